import Auditing
import Testing

/// A program that has a problem and the same program without it.
struct CodeRulePair: Sendable, CustomTestStringConvertible {
  let rule: RuleID
  let name: String
  let vulnerable: String
  let fixed: String

  var testDescription: String { "\(rule): \(name)" }

  /// `old` and `new` replace `@` in the text.
  init(
    _ rule: RuleID, _ name: String, dialect: String, _ text: String, vulnerable: String,
    fixed: String
  ) {
    self.rule = rule
    self.name = name
    let head = "pragma solidity \(dialect);\n"
    self.vulnerable = head + text.replacing("@", with: vulnerable)
    self.fixed = head + text.replacing("@", with: fixed)
  }
}

extension CodeRulePair {
  static let arithmetic: [CodeRulePair] = [
    CodeRulePair(
      "arithmetic-overflow", "sum of what the caller supplies", dialect: "0.5.17",
      """
      contract Meter { mapping(address => uint) readings;
        function add(uint n) public { @ readings[msg.sender] += n; } }
      """,
      vulnerable: "", fixed: "require(n < 1e18);"),
    CodeRulePair(
      "arithmetic-overflow", "checked after the sum", dialect: "0.4.26",
      """
      contract Meter { uint total;
        function add(uint n) public { uint sum = total + n; @ total = sum; } }
      """,
      vulnerable: "require(sum > 0);", fixed: "require(sum >= total);"),
    CodeRulePair(
      "arithmetic-overflow", "check of another value", dialect: "0.6.12",
      """
      contract Purse { mapping(address => uint) coins; mapping(address => mapping(address => uint)) lent;
        function take(address from, uint n) public {
          require(@ >= n); lent[from][msg.sender] -= n; } }
      """,
      vulnerable: "coins[from]", fixed: "lent[from][msg.sender]"),
    CodeRulePair(
      "arithmetic-overflow", "difference held against zero", dialect: "0.5.17",
      """
      contract Purse { mapping(address => uint) coins;
        function burn(uint n) public { require(@); coins[msg.sender] -= n; } }
      """,
      vulnerable: "coins[msg.sender] - n >= 0", fixed: "n <= coins[msg.sender]"),
    CodeRulePair(
      "arithmetic-overflow", "product with one bounded factor", dialect: "0.4.26",
      """
      contract Batch { mapping(address => uint) coins;
        function send(address[] memory to, uint each) public {
          require(to.length <= 20); @
          uint all = to.length * each;
          require(coins[msg.sender] >= all);
          coins[msg.sender] -= all; } }
      """,
      vulnerable: "", fixed: "require(each < 1e30);"),
    CodeRulePair(
      "arithmetic-overflow", "checked by a library", dialect: "0.7.6",
      """
      library Calc { function plus(uint a, uint b) internal pure returns (uint c) { c = a + b; @ } }
      contract Meter { using Calc for uint; uint total;
        function add(uint n) public { total = total.plus(n); } }
      """,
      vulnerable: "", fixed: "require(c >= a);"),
    CodeRulePair(
      "arithmetic-overflow", "quotient check of a product", dialect: "0.4.26",
      """
      contract Shop { uint debt;
        function order(uint count, uint price) public {
          uint cost = count * price; @ debt = cost; } }
      """,
      vulnerable: "", fixed: "require(count == 0 || cost / count == price);"),
    CodeRulePair(
      "arithmetic-overflow", "unchecked block", dialect: "0.8.28",
      """
      contract Meter { mapping(address => uint) readings;
        function cut(uint n) external { @ readings[msg.sender] -= n; @@ } }
      """.replacing("@@", with: "}"),
      vulnerable: "unchecked {", fixed: "{"),
    CodeRulePair(
      "unsafe-cast", "narrowed payment", dialect: "0.8.20",
      """
      contract Slots { mapping(address => uint96) held;
        function hold(uint n) external { @ held[msg.sender] = uint96(n); } }
      """,
      vulnerable: "", fixed: "if (n > type(uint96).max) revert();"),
    CodeRulePair(
      "unsafe-cast", "masked before", dialect: "0.8.20",
      """
      contract Slots { mapping(address => uint64) held;
        function hold(uint n) external { held[msg.sender] = uint64(@); } }
      """,
      vulnerable: "n", fixed: "n & 0xffff"),
    CodeRulePair(
      "unsafe-cast", "through a wider type", dialect: "0.8.20",
      """
      contract Slots { mapping(address => uint64) held;
        function hold(@ n) external { uint256 wide = n; held[msg.sender] = uint64(wide); } }
      """,
      vulnerable: "uint128", fixed: "uint32"),
    CodeRulePair(
      "divide-before-multiply", "share of a share", dialect: "0.8.20",
      """
      contract Fees { function cut(uint n, uint d, uint f) external pure returns (uint) {
        return @; } }
      """,
      vulnerable: "f * (n / d)", fixed: "f * n / d"),
  ]

  static let availability: [CodeRulePair] = [
    CodeRulePair(
      "external-call-in-loop", "payment to everyone", dialect: "0.6.12",
      """
      contract Pool { address payable[] members;
        function join() public { members.push(msg.sender); }
        function pay() public { for (uint i = 0; i < members.length; i++) { @ } } }
      """,
      vulnerable: "members[i].transfer(1);", fixed: "members[i].send(1);"),
    CodeRulePair(
      "unbounded-loop", "list anyone lengthens", dialect: "0.8.20",
      """
      contract Roll { address[] names; uint seen;
        function enter() external { @ names.push(msg.sender); }
        function count() external { for (uint i; i < names.length; ++i) { seen += 1; } } }
      """,
      vulnerable: "", fixed: "require(msg.sender == 0x000000000000000000000000000000000000bEEF);"),
    CodeRulePair(
      "refusing-recipient", "highest bid", dialect: "0.4.26",
      """
      contract Bids { address top; uint best; mapping(address => uint) owed;
        function bid() public payable { require(msg.value > best);
          @
          top = msg.sender; best = msg.value; } }
      """,
      vulnerable: "require(top.send(best));", fixed: "owed[top] += best;"),
    CodeRulePair(
      "strict-balance-equality", "exact ether", dialect: "0.5.17",
      """
      contract Goal { uint target = 5 ether; bool done; function() external payable {}
        function end() public { if (address(this).balance @ target) done = true; } }
      """,
      vulnerable: "==", fixed: ">="),
    CodeRulePair(
      "locked-ether", "no way out", dialect: "0.8.20",
      """
      contract Tip { event Got(uint n); receive() external payable { emit Got(msg.value); }
        @ }
      """,
      vulnerable: "", fixed: "function out() external { payable(address(1)).transfer(1); }"),
  ]

  static let storage: [CodeRulePair] = [
    CodeRulePair(
      "uninitialized-state", "receiver never set", dialect: "0.7.6",
      """
      contract Box { address payable sink; @
        function give() external payable { sink.transfer(msg.value); } }
      """,
      vulnerable: "", fixed: "constructor(address payable s) { sink = s; }"),
    CodeRulePair(
      "uninitialized-storage-pointer", "struct without location", dialect: "0.4.24",
      """
      contract Book { address owner = msg.sender; struct Row { uint a; uint b; }
        function put(uint a) public { Row @ row; row.a = a; } }
      """,
      vulnerable: "", fixed: "memory"),
    CodeRulePair(
      "arbitrary-storage-write", "slot by argument", dialect: "0.8.20",
      """
      contract Raw { function poke(uint at, uint what) external {
        @ assembly { sstore(at, what) } } }
      """,
      vulnerable: "", fixed: "at = 7;"),
    CodeRulePair(
      "lost-storage-copy", "memory for storage", dialect: "0.8.20",
      """
      contract Farm { struct Plot { uint debt; } mapping(address => Plot) plots;
        function clear() external { Plot @ plot = plots[msg.sender]; plot.debt = 0; } }
      """,
      vulnerable: "memory", fixed: "storage"),
    CodeRulePair(
      "mapping-deletion", "struct with a mapping", dialect: "0.8.20",
      """
      contract Clubs { struct Club { uint size; @ members; } mapping(uint => Club) clubs;
        function close(uint id) external { delete clubs[id]; } }
      """,
      vulnerable: "mapping(address => bool)", fixed: "bytes32"),
    CodeRulePair(
      "changed-copy-argument", "struct argument", dialect: "0.8.20",
      """
      contract Team { struct Card { uint score; } Card best;
        function win() external { bump(best); }
        function bump(Card @ card) internal { card.score += 1; } }
      """,
      vulnerable: "memory", fixed: "storage"),
    CodeRulePair(
      "array-gap", "removed member", dialect: "0.8.20",
      """
      contract Team { address[] members; function add(address a) external { members.push(a); }
        function drop(uint i) external { delete members[i]; @ } }
      """,
      vulnerable: "", fixed: "members[i] = members[members.length - 1]; members.pop();"),
  ]

  static let tokens: [CodeRulePair] = [
    CodeRulePair(
      "token-interface", "transfer without answer", dialect: "0.8.20",
      """
      contract Bean { mapping(address => uint) public balanceOf;
        function transfer(address to, uint n) external @
        function approve(address, uint) external returns (bool) { return true; }
        function transferFrom(address, address, uint) external returns (bool) { return true; } }
      """,
      vulnerable: "{ balanceOf[to] += n; }",
      fixed: "returns (bool) { balanceOf[to] += n; return true; }"),
    CodeRulePair(
      "self-transfer", "both read first", dialect: "0.8.20",
      """
      contract Bean { mapping(address => uint) held;
        function pay(address to, uint n) external { @
          uint a = held[msg.sender]; uint b = held[to];
          held[msg.sender] = a - n; held[to] = b + n; } }
      """,
      vulnerable: "", fixed: "require(to != msg.sender);"),
    CodeRulePair(
      "domain-separator-collision", "wrong type", dialect: "0.8.20",
      "contract Bean { @ public DOMAIN_SEPARATOR; }",
      vulnerable: "uint", fixed: "bytes32"),
  ]

  static let forms: [CodeRulePair] = [
    CodeRulePair(
      "shadowed-state-variable", "second owner", dialect: "0.4.26",
      """
      contract A { address boss = msg.sender; } contract B is A { address @;
        function f() public view returns (address) { return boss; } }
      """,
      vulnerable: "boss", fixed: "clerk"),
    CodeRulePair(
      "shadowed-name", "hidden counter", dialect: "0.8.20",
      "contract A { uint n; function f() external pure returns (uint) { uint @ = 1; return @; } }",
      vulnerable: "n", fixed: "m"),
    CodeRulePair(
      "default-visibility", "helper", dialect: "0.4.26",
      "contract A { uint n; function f() @ { n = 1; } }", vulnerable: "", fixed: "private"),
    CodeRulePair(
      "missing-zero-check", "new keeper", dialect: "0.8.20",
      """
      contract A { address public keeper; constructor(address k) { @ keeper = k; } }
      """,
      vulnerable: "", fixed: "if (k == address(0)) revert();"),
    CodeRulePair(
      "statement-without-effect", "comparison for assignment", dialect: "0.8.20",
      "contract A { uint n; function f() external { n @ 4; } }", vulnerable: "==", fixed: "="),
    CodeRulePair(
      "tautology", "range of the type", dialect: "0.8.20",
      "contract A { function f(uint8 n) external pure returns (bool) { return n < @; } }",
      vulnerable: "256", fixed: "255"),
    CodeRulePair(
      "tautology", "literal decides", dialect: "0.8.20",
      "contract A { function f(bool b) external pure returns (bool) { return b @ true; } }",
      vulnerable: "||", fixed: "&&"),
    CodeRulePair(
      "incorrect-exponent", "power of ten", dialect: "0.8.20",
      "contract A { uint constant UNIT = 10 @ 6; }", vulnerable: "^", fixed: "**"),
    CodeRulePair(
      "assignment-typo", "sign at the wrong side", dialect: "0.4.26",
      "contract A { int n; function f(int k) public { n @ k; } }", vulnerable: "=-", fixed: "-="),
    CodeRulePair(
      "swapped-shift", "value first", dialect: "0.8.20",
      """
      contract A { function f(uint v) external pure returns (uint w) {
        assembly { w := shl(@) } } }
      """,
      vulnerable: "v, 16", fixed: "16, v"),
    CodeRulePair(
      "code-size-check", "extcodesize", dialect: "0.7.6",
      """
      contract A { mapping(address => uint) got;
        function isCode(address a) internal view returns (bool) {
          uint n; assembly { n := extcodesize(a) } return n > 0; }
        function claim() external { @ got[msg.sender] = 1; } }
      """,
      vulnerable: "require(!isCode(msg.sender));", fixed: "require(msg.sender == tx.origin);"),
    CodeRulePair(
      "modifier-skips-body", "branch without body", dialect: "0.8.20",
      """
      contract A { bool on; uint n; modifier whenOn() { if (on) { _; } @ }
        function f() external whenOn { n = 1; } }
      """,
      vulnerable: "", fixed: "else { revert(); }"),
    CodeRulePair(
      "assembly-return", "event never emitted", dialect: "0.8.20",
      """
      contract A { event Done(); function out() internal pure { assembly { @ } }
        function f() external { out(); emit Done(); } }
      """,
      vulnerable: "return(0, 0)", fixed: "mstore(0, 0)"),
    CodeRulePair(
      "overwritten-write", "same target twice", dialect: "0.8.20",
      "contract A { uint x; uint y; function f(uint a) external { x = a; @ = 3; } }",
      vulnerable: "x", fixed: "y"),
    CodeRulePair(
      "multiple-constructors", "old and new", dialect: "0.4.22",
      "contract A { uint n; constructor() public { n = 1; } function @() public { n = 2; } }",
      vulnerable: "A", fixed: "B"),
    CodeRulePair(
      "reused-base-constructor", "two arguments", dialect: "0.4.26",
      """
      contract A { uint n; constructor(uint k) public { n = k; } }
      contract B is A(1) { constructor() public {} } contract C is B { constructor() @ public {} }
      """,
      vulnerable: "A(2)", fixed: "B()"),
  ]

  static let all = arithmetic + availability + storage + tokens + forms
}
