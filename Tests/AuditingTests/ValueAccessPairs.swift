import Auditing

/// Powers anyone has, and numbers and signatures that prove less than they seem to.
enum ValueAccessPairs {
  static let all: [ValuePair] = [
    ValuePair(
      name: "ether to anyone named", rule: "arbitrary-send-ether",
      source: """
        pragma solidity 0.8.20;
        contract Chest {
          address private immutable warden = msg.sender;
          function allowed() internal view returns (bool) { return msg.sender == warden; }
          receive() external payable {}
          function open(address payable to, uint256 sum) external { @ to.transfer(sum); }
        }
        """,
      fault: "", cure: "require(allowed());"),
    ValuePair(
      name: "a lower bound where an upper one is meant", rule: "arbitrary-send-ether",
      source: """
        pragma solidity ^0.4.24;
        contract Stash {
          mapping(address => uint256) private coins;
          function put() public payable { coins[msg.sender] += msg.value; }
          function take(uint256 sum) public {
            require(sum @ coins[msg.sender]);
            msg.sender.transfer(sum);
            coins[msg.sender] -= sum;
          }
        }
        """,
      fault: ">=", cure: "<="),
    ValuePair(
      name: "paid again and again", rule: "repeatable-withdrawal",
      source: """
        pragma solidity 0.8.20;
        contract Dues {
          mapping(address => uint256) private due;
          function add(address who) external payable { due[who] += msg.value; }
          function collect() external {
            uint256 sum = due[msg.sender];
            @
            payable(msg.sender).transfer(sum);
          }
        }
        """,
      fault: "require(sum > 0);", cure: "due[msg.sender] = 0;"),
    ValuePair(
      name: "tokens of whoever approved", rule: "arbitrary-transfer-from",
      source: """
        pragma solidity 0.8.20;
        interface Coin {
          function transferFrom(address from, address to, uint256 sum) external returns (bool);
        }
        contract Toll {
          Coin private immutable coin;
          constructor(Coin coin_) { coin = coin_; }
          function pay(address who, uint256 sum) external {
            require(coin.transferFrom(@, address(this), sum));
          }
        }
        """,
      fault: "who", cure: "msg.sender"),
    ValuePair(
      name: "permission by the origin of the transaction", rule: "tx-origin",
      source: """
        pragma solidity 0.8.20;
        contract Door {
          address private keeper;
          bool public isOpen;
          constructor() { keeper = msg.sender; }
          modifier kept() { if (@ != keeper) revert(); _; }
          function open() external kept { isOpen = true; }
        }
        """,
      fault: "tx.origin", cure: "msg.sender"),
    ValuePair(
      name: "a constructor that is none", rule: "unprotected-ownership",
      source: """
        pragma solidity ^0.4.21;
        contract Tower {
          address private lord;
          function @() public { lord = msg.sender; }
          function () public payable {}
          function drain() public { require(msg.sender == lord); lord.transfer(this.balance); }
        }
        """,
      fault: "tower", cure: "Tower"),
    ValuePair(
      name: "the deployer's place", rule: "unprotected-ownership",
      source: """
        pragma solidity 0.8.20;
        contract Guild {
          address public head;
          constructor() { head = msg.sender; }
          function elect(address next) public { @ head = next; }
        }
        """,
      fault: "", cure: "require(msg.sender == head);"),
    ValuePair(
      name: "a receiver anyone can set", rule: "arbitrary-send-ether",
      source: """
        pragma solidity 0.7.6;
        contract Spout {
          address payable private basin;
          address private immutable mason = msg.sender;
          receive() external payable {}
          function aim() public { @ basin = msg.sender; }
          function pour() public { basin.transfer(address(this).balance); }
        }
        """,
      fault: "", cure: "require(msg.sender == mason);"),
    ValuePair(
      name: "destroyed by anyone", rule: "unprotected-selfdestruct",
      source: """
        pragma solidity 0.7.6;
        contract Fort {
          mapping(address => bool) private guards_;
          constructor() { guards_[msg.sender] = true; }
          function raze() public { @ selfdestruct(msg.sender); }
        }
        """,
      fault: "", cure: "require(guards_[msg.sender]);"),
    ValuePair(
      name: "coins out of nothing", rule: "unprotected-balance-change",
      source: """
        pragma solidity 0.8.20;
        contract Scrip {
          mapping(address => uint256) private books;
          address private printer = msg.sender;
          function balanceOf(address who) external view returns (uint256) { return books[who]; }
          function issue(address who, uint256 sum) external { @ books[who] += sum; }
        }
        """,
      fault: "", cure: "if (msg.sender != printer) revert();"),
    ValuePair(
      name: "a target anyone can replace", rule: "unprotected-setter",
      source: """
        pragma solidity 0.8.20;
        interface Sink { function drop(uint256 sum) external; }
        contract Pipe {
          Sink private sink;
          address private immutable fitter = msg.sender;
          function connect(Sink next) external { @ sink = next; }
          function flow(uint256 sum) external { sink.drop(sum); }
        }
        """,
      fault: "", cure: "require(msg.sender == fitter);"),
    ValuePair(
      name: "a loan's callback open to all", rule: "unprotected-callback",
      source: """
        pragma solidity 0.8.20;
        interface Coin { function transfer(address to, uint256 sum) external returns (bool); }
        contract Borrower {
          address private immutable lender;
          Coin private immutable coin;
          constructor(address lender_, Coin coin_) { lender = lender_; coin = coin_; }
          function onFlashLoan(address, address, uint256 sum, uint256, bytes calldata)
            external returns (bytes32)
          {
            @
            require(coin.transfer(lender, sum));
            return keccak256("done");
          }
        }
        """,
      fault: "", cure: "require(msg.sender == lender);"),
    ValuePair(
      name: "a hash of the block decides", rule: "weak-randomness",
      source: """
        pragma solidity 0.8.20;
        contract Wheel {
          address[] private seats;
          uint256 private word;
          address private immutable source = msg.sender;
          function sit() external { seats.push(msg.sender); }
          function supply(uint256 next) external { require(msg.sender == source); word = next; }
          function spin() external view returns (address) {
            uint256 seed = uint256(keccak256(abi.encode(@)));
            return seats[seed % seats.length];
          }
        }
        """,
      fault: "blockhash(block.number - 1), msg.sender", cure: "word"),
    ValuePair(
      name: "zero from a bad signature", rule: "ecrecover-zero",
      source: """
        pragma solidity 0.8.20;
        contract Seal {
          mapping(uint256 => address) private sealer;
          mapping(uint256 => bool) private broken;
          function set(uint256 id) external { sealer[id] = msg.sender; }
          function cut(uint256 id, uint8 v, bytes32 r, bytes32 s) external {
            address who = ecrecover(keccak256(abi.encode(this, id)), v, r, s);
            require(@who == sealer[id]);
            broken[id] = true;
          }
        }
        """,
      fault: "", cure: "who != address(0) && "),
    ValuePair(
      name: "a signature without a counter", rule: "signature-replay",
      source: """
        pragma solidity 0.8.20;
        contract Cheques {
          address private immutable bank = msg.sender;
          mapping(address => uint256) private paid;
          mapping(address => uint256) private turn;
          function cash(uint256 sum, uint8 v, bytes32 r, bytes32 s) external {
            bytes32 slip = keccak256(abi.encode(address(this), msg.sender, sum@));
            require(ecrecover(slip, v, r, s) == bank);
            paid[msg.sender] += sum;
          }
        }
        """,
      fault: "", cure: ", turn[msg.sender]++"),
    ValuePair(
      name: "two texts side by side", rule: "encode-packed-collision",
      source: """
        pragma solidity 0.8.20;
        contract Titles {
          mapping(bytes32 => address) private titles;
          function key(string memory a, string memory b) internal pure returns (bytes32) {
            return keccak256(abi.@(a, b));
          }
          function take(string calldata a, string calldata b) external {
            require(titles[key(a, b)] == address(0));
            titles[key(a, b)] = msg.sender;
          }
        }
        """,
      fault: "encodePacked", cure: "encode"),
    ValuePair(
      name: "a price without its age", rule: "stale-oracle-price",
      source: """
        pragma solidity 0.8.20;
        interface Feed {
          function latestRoundData() external view
            returns (uint80 a, int256 b, uint256 c, uint256 d, uint80 e);
        }
        contract Loans {
          Feed private immutable feed;
          constructor(Feed feed_) { feed = feed_; }
          function worth(uint256 sum) public view returns (uint256) {
            (, int256 rate, , uint256 time, ) = feed.latestRoundData();
            if (rate <= 0@) revert();
            return sum * uint256(rate);
          }
        }
        """,
      fault: "", cure: " || block.timestamp - time > 3600"),
    ValuePair(
      name: "a trade at any price", rule: "missing-slippage-limit",
      source: """
        pragma solidity 0.8.20;
        interface Market { function swap(uint256 sum, uint256 amountOutMin, address to) external; }
        contract Broker {
          Market private immutable market;
          constructor(Market market_) { market = market_; }
          function trade(uint256 sum, uint256 least) external {
            market.swap(sum, @, msg.sender);
          }
        }
        """,
      fault: "0", cure: "least"),
    ValuePair(
      name: "one payment counted for each", rule: "msg-value-in-loop",
      source: """
        pragma solidity 0.8.20;
        contract Gifts {
          mapping(address => uint256) private gifts;
          function give(address[] calldata to) external payable {
            uint256 each = msg.value@;
            for (uint256 i = 0; i < to.length; i++) gifts[to[i]] += each;
          }
        }
        """,
      fault: "", cure: " / to.length"),
    ValuePair(
      name: "a length that wraps", rule: "array-length-write",
      source: """
        pragma solidity ^0.4.24;
        contract Pile {
          uint[] private stones;
          function add(uint stone) public { stones.push(stone); }
          function drop() public { @ stones.length--; }
        }
        """,
      fault: "", cure: "require(stones.length > 0);"),
    ValuePair(
      name: "a pool's view from inside the pool", rule: "pool-view-reentrancy",
      source: """
        pragma solidity 0.8.20;
        interface Pool {
          function get_virtual_price() external view returns (uint256);
          function withdraw_admin_fees() external;
        }
        contract Pawn {
          Pool private immutable pool;
          constructor(Pool pool_) { pool = pool_; }
          function value(uint256 parts) external returns (uint256) {
            @
            return parts * pool.get_virtual_price() / 1e18;
          }
        }
        """,
      fault: "", cure: "pool.withdraw_admin_fees();"),
  ]
}
