/// A mistake and its repair.
struct ProxyMistake: Sendable, CustomStringConvertible {
  /// The family of the mistake.
  let name: String
  /// The rule that must fire on the one and not on the other.
  let rule: String
  /// The contract with the mistake.
  let vulnerable: String
  /// The nearest contract without it.
  let repaired: String

  var description: String { name }

  /// Makes a pair by replacing text of the vulnerable source.
  init(_ name: String, _ rule: String, _ source: String, repair: [(String, String)]) {
    self.name = name
    self.rule = rule
    vulnerable = ProxyMistake.expand(source)
    var repaired = source
    for (old, new) in repair {
      precondition(repaired.contains(old), "\(name): nothing to replace for \(old)")
      repaired = repaired.replacing(old, with: new)
    }
    self.repaired = ProxyMistake.expand(repaired)
  }

  /// `FORWARD<x>` stands for the assembly that passes a call on to the address `x`.
  private static func expand(_ source: String) -> String {
    var text = "pragma solidity ^0.8.20;\n" + source
    while let start = text.range(of: "FORWARD<"),
      let end = text[start.upperBound...].firstIndex(of: ">")
    {
      let target = text[start.upperBound..<end]
      text.replaceSubrange(
        start.lowerBound...end,
        with: """
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), \(target), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
          """)
    }
    return text
  }

  /// `keccak256("eip1967.proxy.implementation") - 1`
  static let slot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"

  static let all: [ProxyMistake] = storage + delegation + initialization + upgrades
}

extension ProxyMistake {
  static let storage: [ProxyMistake] = [
    ProxyMistake(
      "an admin in the slot of the initializer's flags", "proxy-storage-collision",
      """
      contract Porch {
        bytes32 private constant HOUSE = \(slot);
        address private keeper;
        constructor(address house, address keeper_) {
          keeper = keeper_;
          assembly { sstore(HOUSE, house) }
        }
        function move(address house) external {
          require(msg.sender == keeper);
          assembly { sstore(HOUSE, house) }
        }
        fallback() external payable { FORWARD<sload(HOUSE)> }
      }
      contract OnceOnly {
        bool private done;
        bool private doing;
        modifier once() {
          require(doing || !done);
          bool top = !doing;
          if (top) { doing = true; done = true; }
          _;
          if (top) { doing = false; }
        }
      }
      contract Council is OnceOnly {
        address private guardian;
        function begin(address guardian_) external once { guardian = guardian_; }
        function decide() external view returns (bool) { return msg.sender == guardian; }
      }
      contract Builder {
        function build(address keeper) external returns (address) {
          return address(new Porch(address(new Council()), keeper));
        }
      }
      """,
      repair: [
        ("address private keeper;", "address private immutable keeper;")
      ]),
    ProxyMistake(
      "the same, repaired by declaring the admin in front", "proxy-storage-collision",
      """
      contract Porch {
        bytes32 private constant HOUSE = \(slot);
        address private keeper;
        constructor(address house, address keeper_) {
          keeper = keeper_;
          assembly { sstore(HOUSE, house) }
        }
        function move(address house) external {
          require(msg.sender == keeper);
          assembly { sstore(HOUSE, house) }
        }
        fallback() external payable { FORWARD<sload(HOUSE)> }
      }
      contract Council {
        bool private done;
        address private guardian;
        function begin(address guardian_) external {
          require(!done);
          done = true;
          guardian = guardian_;
        }
        function decide() external view returns (bool) { return msg.sender == guardian; }
      }
      """,
      repair: [
        ("contract Council {\n  bool", "contract Council {\n  address private keeper;\n  bool")
      ]),
    ProxyMistake(
      "two admins in one slot", "proxy-storage-collision",
      """
      contract Puzzle {
        address public nextAdmin;
        address public admin;
        address private immutable board;
        constructor(address admin_, address board_) { admin = admin_; board = board_; }
        function propose(address next) external { nextAdmin = next; }
        function approve() external { require(msg.sender == admin); admin = nextAdmin; }
        fallback() external payable { address to = board; FORWARD<to> }
      }
      contract Board {
        address public owner;
        uint256 public maxBalance;
        mapping(address => bool) public listed;
        function start(uint256 max) external {
          require(maxBalance == 0);
          maxBalance = max;
          owner = msg.sender;
        }
        function list(address who) external { require(msg.sender == owner); listed[who] = true; }
      }
      contract Fair {
        function open() external returns (address) {
          return address(new Puzzle(msg.sender, address(new Board())));
        }
      }
      """,
      repair: [
        (
          "contract Board {",
          "contract Board {\n  address public nextAdmin;\n  address public admin;"
        )
      ]),
    ProxyMistake(
      "packed neighbours", "proxy-storage-collision",
      """
      contract Shelf {
        uint96 public width;
        address public code;
        constructor(address code_) { code = code_; width = 7; }
        fallback() external payable { address to = code; FORWARD<to> }
      }
      contract Books {
        uint96 public width;
        uint160 public count;
        function add() external { count++; }
      }
      contract Carpenter {
        function make() external returns (address) { return address(new Shelf(address(new Books()))); }
      }
      """,
      repair: [("uint160 public count;", "address public code;\n  uint160 public count;")]),
    ProxyMistake(
      "a library contract that sets the caller's library", "delegatecall-storage-mismatch",
      """
      contract Calendar {
        uint256 private day;
        function setDay(uint256 day_) public { day = day_; }
      }
      contract Keeper {
        address public first;
        address public second;
        address public owner;
        uint256 private day;
        bytes4 private constant SET = bytes4(keccak256("setDay(uint256)"));
        constructor(address a, address b) { first = a; second = b; owner = msg.sender; }
        function setFirst(uint256 day_) external {
          (bool ok, ) = first.delegatecall(abi.encodePacked(SET, day_));
          require(ok);
        }
      }
      """,
      repair: [
        (
          "contract Calendar {\n",
          "contract Calendar {\n  address public first;\n  address public second;\n  address public owner;\n"
        )
      ]),
    ProxyMistake(
      "two facets counting from the first slot", "facet-storage-overlap",
      """
      library Table {
        struct Rows { mapping(bytes4 => address) row; }
        bytes32 private constant PLACE = keccak256("example.table");
        function rows() internal pure returns (Rows storage r) {
          bytes32 place = PLACE;
          assembly { r.slot := place }
        }
      }
      contract Gem {
        constructor(bytes4 selector, address facet) { Table.rows().row[selector] = facet; }
        fallback() external payable {
          address facet = Table.rows().row[msg.sig];
          require(facet != address(0));
          FORWARD<facet>
        }
      }
      contract Red {
        uint256 public supply;
        function mint(uint256 amount) external { supply += amount; }
      }
      contract Blue {
        address public chair;
        function sit() external { require(chair == address(0)); chair = msg.sender; }
      }
      """,
      repair: [("uint256 public supply;", "address public chair;\n  uint256 public supply;")]),
    ProxyMistake(
      "one namespace for two structs", "namespace-reused",
      """
      library Pots {
        struct Pot { uint256 sum; address cook; }
        bytes32 private constant PLACE = keccak256("kitchen.storage");
        function pot() internal pure returns (Pot storage p) {
          bytes32 place = PLACE;
          assembly { p.slot := place }
        }
      }
      library Pans {
        struct Pan { address cook; uint256 heat; }
        bytes32 private constant PLACE = keccak256("kitchen.storage");
        function pan() internal pure returns (Pan storage p) {
          bytes32 place = PLACE;
          assembly { p.slot := place }
        }
      }
      contract Kitchen {
        function boil(uint256 amount) external { Pots.pot().sum += amount; }
        function fry(uint256 heat) external { Pans.pan().heat = heat; }
      }
      """,
      repair: [
        (
          "bytes32 private constant PLACE = keccak256(\"kitchen.storage\");\n  function pan",
          "bytes32 private constant PLACE = keccak256(\"kitchen.storage.pans\");\n  function pan"
        )
      ]),
  ]

  static let delegation: [ProxyMistake] = [
    ProxyMistake(
      "a target passed through two calls into assembly", "controlled-delegatecall",
      """
      contract Porter {
        address private boss = msg.sender;
        function carry(address where, bytes memory what) external { _lift(where, what); }
        function _lift(address where, bytes memory what) internal { _go(where, what); }
        function _go(address where, bytes memory what) private {
          assembly {
            let ok := delegatecall(gas(), where, add(what, 32), mload(what), 0, 0)
            if iszero(ok) { revert(0, 0) }
          }
        }
      }
      """,
      repair: [("internal { _go", "internal { require(msg.sender == boss); _go")]),
    ProxyMistake(
      "a target the contract should have listed", "controlled-delegatecall",
      """
      contract Chef {
        mapping(address => bool) private known;
        constructor(address first) { known[first] = true; }
        function cook(address recipe, bytes calldata input) external payable {
          (bool ok, ) = recipe.delegatecall(input);
          require(ok);
        }
      }
      """,
      repair: [("payable {\n", "payable {\n    require(known[recipe]);\n")]),
    ProxyMistake(
      "a target anyone can set", "unprotected-upgrade",
      """
      contract Lamp {
        address private boss = msg.sender;
        address private oil;
        function fill(address oil_) external { oil = oil_; }
        function burn() external {
          require(oil.code.length > 0);
          (bool ok, ) = oil.delegatecall(abi.encodeWithSignature("burn()"));
          require(ok);
        }
      }
      """,
      repair: [("external { oil", "external { require(msg.sender == boss); oil")]),
    ProxyMistake(
      "ether counted once per round", "delegatecall-in-loop",
      """
      contract Purse {
        mapping(address => uint256) public coins;
        function several(bytes[] calldata parts) external payable {
          for (uint256 i; i < parts.length; ++i) {
            (bool ok, ) = address(this).delegatecall(parts[i]);
            require(ok);
          }
        }
        function put() external payable { coins[msg.sender] += msg.value; }
      }
      """,
      repair: [("external payable {\n    for", "external {\n    for")]),
    ProxyMistake(
      "a delegate's setter within everyone's reach", "controlled-delegatecall-data",
      """
      contract Scribe {
        address public author;
        function sign() external { author = msg.sender; }
      }
      contract Letter {
        address public author;
        Scribe private immutable scribe;
        constructor(Scribe scribe_) { author = msg.sender; scribe = scribe_; }
        fallback() external {
          (bool ok, ) = address(scribe).delegatecall(msg.data);
          require(ok);
        }
      }
      """,
      repair: [("external { author", "external { require(author == msg.sender); author")]),
  ]
}
