import Auditing

/// Control handed away too early, and calls whose failure goes unnoticed.
enum ValueReentrancyPairs {
  static let all: [ValuePair] = [
    ValuePair(
      name: "through a modifier and an internal helper", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.20;
        contract Cellar {
          mapping(address => uint256) private shelf;
          modifier stocked() { require(shelf[msg.sender] != 0); _; }
          function stock() external payable { shelf[msg.sender] += msg.value; }
          function hand(address to, uint256 sum) internal {
            (bool ok, ) = to.call{value: sum}("");
            require(ok);
          }
          function empty() external stocked {
            uint256 sum = shelf[msg.sender];
            @
          }
        }
        """,
      fault: "hand(msg.sender, sum); delete shelf[msg.sender];",
      cure: "delete shelf[msg.sender]; hand(msg.sender, sum);"),
    ValuePair(
      name: "old dialect, gas and value as calls", rule: "reentrancy-state",
      source: """
        pragma solidity ^0.4.19;
        contract Tin {
          mapping(address => uint) public coins;
          function put() public payable { coins[msg.sender] += msg.value; }
          function take(uint sum) public {
            require(coins[msg.sender] >= sum);
            @
          }
        }
        """,
      fault: "if (msg.sender.call.value(sum).gas(90000)()) coins[msg.sender] -= sum;",
      cure: "coins[msg.sender] -= sum; require(msg.sender.call.value(sum).gas(90000)());"),
    ValuePair(
      name: "a lock in a base contract", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.20;
        contract Bolt {
          uint256 private bolt = 1;
          modifier bolted() { require(bolt == 1); bolt = 2; _; bolt = 1; }
        }
        contract Barn is Bolt {
          mapping(address => uint256) private hay;
          function store() external payable { hay[msg.sender] += msg.value; }
          function fetch(address payable to) external @ {
            uint256 sum = hay[msg.sender];
            (bool ok, ) = to.call{value: sum}("");
            require(ok);
            hay[msg.sender] = 0;
          }
        }
        """,
      fault: "", cure: "bolted"),
    ValuePair(
      name: "a lock in transient storage", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.28;
        contract Loft {
          mapping(address => uint256) private grain;
          modifier once() {
            assembly { if tload(7) { revert(0, 0) } tstore(7, 1) }
            _;
            assembly { tstore(7, 0) }
          }
          function store() external payable { grain[msg.sender] += msg.value; }
          function fetch() external @ {
            uint256 sum = grain[msg.sender];
            (bool ok, ) = msg.sender.call{value: sum}("");
            require(ok);
            grain[msg.sender] = 0;
          }
        }
        """,
      fault: "", cure: "once"),
    ValuePair(
      name: "a call in assembly", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.20;
        contract Urn {
          mapping(address => uint256) private ashes;
          function fill() external payable { ashes[msg.sender] += msg.value; }
          function pour() external {
            uint256 sum = ashes[msg.sender];
            @
          }
          function push(uint256 sum) private {
            assembly {
              if iszero(call(gas(), caller(), sum, 0, 0, 0, 0)) { revert(0, 0) }
            }
          }
        }
        """,
      fault: "push(sum); ashes[msg.sender] = 0;", cure: "ashes[msg.sender] = 0; push(sum);"),
    ValuePair(
      name: "a receiver's hook", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.20;
        interface Taker { function onTicket(uint256 number) external returns (bool); }
        contract Tickets {
          mapping(address => uint256) private held;
          mapping(uint256 => address) public holder;
          uint256 private last;
          function claim() external {
            require(held[msg.sender] < 2);
            uint256 number = ++last;
            holder[number] = msg.sender;
            @
          }
        }
        """,
      fault: "require(Taker(msg.sender).onTicket(number)); held[msg.sender] += 1;",
      cure: "held[msg.sender] += 1; require(Taker(msg.sender).onTicket(number));"),
    ValuePair(
      name: "gas limited to the stipend", rule: "reentrancy-state",
      source: """
        pragma solidity 0.8.20;
        contract Dish {
          mapping(address => uint256) private crumbs;
          function add() external payable { crumbs[msg.sender] += msg.value; }
          function clear() external {
            (bool ok, ) = msg.sender.call{value: crumbs[msg.sender]@}("");
            require(ok);
            crumbs[msg.sender] = 0;
          }
        }
        """,
      fault: "", cure: ", gas: 2300"),
    ValuePair(
      name: "a view in an old dialect is a call like any other", rule: "reentrancy-state",
      source: """
        pragma solidity @;
        contract Member { function isMember() public view returns (bool) { return true; } }
        contract Gift {
          mapping(address => uint) public gifts;
          function give() public {
            require(gifts[msg.sender] == 0);
            require(Member(msg.sender).isMember());
            gifts[msg.sender] += 20;
          }
        }
        """,
      fault: "0.4.24", cure: "0.5.17"),
    ValuePair(
      name: "the flag of another function", rule: "reentrancy-cross-function",
      source: """
        pragma solidity 0.8.20;
        contract Prize {
          mapping(address => bool) private paid;
          mapping(address => uint256) private votes;
          function fund() external payable {}
          function collect(address payable to) external {
            @
          }
          function vote() external { require(!paid[msg.sender]); votes[msg.sender] += 1; }
        }
        """,
      fault: #"(bool ok, ) = to.call(""); require(ok); paid[msg.sender] = true;"#,
      cure: #"paid[msg.sender] = true; (bool ok, ) = to.call(""); require(ok);"#),
    ValuePair(
      name: "a price seen from inside a withdrawal", rule: "reentrancy-read-only",
      source: """
        pragma solidity 0.8.20;
        contract Pot {
          mapping(address => uint256) private parts;
          uint256 private allParts;
          uint256 private allEther;
          uint256 private gate = 1;
          modifier gated() { require(gate == 1); gate = 2; _; gate = 1; }
          function join() external payable gated {
            parts[msg.sender] += msg.value; allParts += msg.value; allEther += msg.value;
          }
          function leave() external gated {
            uint256 part = parts[msg.sender];
            parts[msg.sender] = 0;
            @
          }
          function price() external view returns (uint256) { return allEther * 1e18 / allParts; }
        }
        """,
      fault: """
        allParts -= part; (bool ok, ) = msg.sender.call{value: part}(""); require(ok);
        allEther -= part;
        """,
      cure: """
        allParts -= part; allEther -= part;
        (bool ok, ) = msg.sender.call{value: part}(""); require(ok);
        """),
    ValuePair(
      name: "a log after the call", rule: "reentrancy-events",
      source: """
        pragma solidity 0.8.20;
        contract Bell {
          event Rung(address who);
          function ring(address who) external { @ }
        }
        """,
      fault: #"(bool ok, ) = who.call(""); require(ok); emit Rung(who);"#,
      cure: #"emit Rung(who); (bool ok, ) = who.call(""); require(ok);"#),
    ValuePair(
      name: "a dropped flag in a helper", rule: "unchecked-call",
      source: """
        pragma solidity 0.8.20;
        library Post {
          function ship(address to, uint256 sum) internal returns (bool ok) {
            (ok, ) = to.call{value: sum}("");
          }
        }
        contract Office {
          address private immutable clerk = msg.sender;
          uint256 public shipped;
          receive() external payable {}
          function work() external { shipped += 1; @ }
        }
        """,
      fault: "Post.ship(clerk, 1 ether);", cure: "require(Post.ship(clerk, 1 ether));"),
    ValuePair(
      name: "a check the wrong way round", rule: "unchecked-call",
      source: """
        pragma solidity 0.6.12;
        contract Debt {
          address payable private lender = msg.sender;
          uint256 public rest = 9 ether;
          receive() external payable {}
          function pay() public {
            if (@lender.send(1 ether)) { revert(); }
            rest -= 1 ether;
          }
        }
        """,
      fault: "", cure: "!"),
    ValuePair(
      name: "a call that is never made", rule: "unchecked-call",
      source: """
        pragma solidity ^0.4.24;
        contract Purse {
          mapping(address => uint) private sums;
          function put() public payable { sums[msg.sender] += msg.value; }
          function take(uint sum) public {
            require(sums[msg.sender] >= sum);
            sums[msg.sender] -= sum;
            @
          }
        }
        """,
      fault: "msg.sender.call.value(sum);", cure: "require(msg.sender.call.value(sum)());"),
    ValuePair(
      name: "a token that answers false", rule: "unchecked-transfer",
      source: """
        pragma solidity 0.8.20;
        interface Coin { function transfer(address to, uint256 sum) external returns (bool); }
        contract Wages {
          Coin private immutable coin;
          mapping(address => uint256) private due;
          constructor(Coin coin_) { coin = coin_; }
          function draw() external {
            uint256 sum = due[msg.sender];
            due[msg.sender] = 0;
            @
          }
        }
        """,
      fault: "coin.transfer(msg.sender, sum);",
      cure: "bool ok = coin.transfer(msg.sender, sum); if (!ok) revert();"),
  ]
}
