/// Writes Solidity projects of any size from a seed: the same seed gives the same bytes.
///
/// The contracts are made to look like what is deployed: tokens, vaults, staking pools, governance, proxies,
/// libraries with assembly; with imports, inheritance, events, errors, comments and about a third of the text
/// in documentation.
struct CorpusGenerator {
  private var random: SplitMix

  init(seed: UInt64) { random = SplitMix(state: seed) }

  /// The files of a project, by path below its root.
  ///
  /// - Parameter count: how many contracts files to write, besides three shared ones.
  mutating func project(files count: Int) -> [(path: String, text: String)] {
    var files: [(path: String, text: String)] = [
      ("foundry.toml", "[profile.default]\nsrc = 'src'\nlibs = ['lib']\n"),
      ("src/common/Owned.sol", Self.owned), ("src/common/IToken.sol", Self.interface),
      ("src/common/Arithmetic.sol", Self.library),
    ]
    for index in 0..<count {
      let kind = Int.random(in: 0..<5, using: &random)
      let name = "\(Self.words[Int.random(in: 0..<Self.words.count, using: &random)])\(index)"
      let text: String
      switch kind {
      case 0: text = token(name)
      case 1: text = vault(name)
      case 2: text = staking(name)
      case 3: text = proxy(name)
      default: text = registry(name)
      }
      files.append(("src/\(index / 100)/\(name).sol", text))
    }
    return files
  }

  private static let words = [
    "Harbor", "Beacon", "Granite", "Willow", "Falcon", "Summit", "Copper", "Meadow", "Orchard",
    "Lantern", "Quarry", "Ridge", "Saddle", "Timber", "Velvet", "Anchor",
  ]
  private static let nouns = [
    "amount", "limit", "reserve", "deadline", "share", "index", "rate", "epoch", "weight", "price",
    "debt", "bonus", "quota", "delay", "cap", "nonce",
  ]

  private mutating func noun() -> String {
    Self.nouns[Int.random(in: 0..<Self.nouns.count, using: &random)]
  }

  private func head(_ name: String, _ what: String, imports: [String]) -> String {
    let lines = imports.map { "import {\($0)} from \"../common/\($0).sol\";" }
    return """
      // SPDX-License-Identifier: MIT
      pragma solidity ^0.8.20;

      \(lines.joined(separator: "\n"))

      /// @title \(name)
      /// @notice \(what)
      /// @dev Written by a generator; every number in it was drawn from a seed.

      """
  }

  /// State variables with setters that only the owner may call.
  private mutating func settings(_ count: Int) -> String {
    var text = ""
    for index in 0..<count {
      let name = "\(noun())\(index)"
      let type = ["uint256", "uint128", "uint64", "address", "bool", "bytes32"][
        Int.random(in: 0..<6, using: &random)]
      text += """

            /// @notice The value of \(name), set by the owner.
            \(type) public \(name);

            event Changed_\(name)(\(type) indexed previous, \(type) current);

            /// @notice Sets \(name).
            /// @param value The new value; no range is enforced, which callers must keep in mind.
            function set_\(name)(\(type) value) external onlyOwner {
                emit Changed_\(name)(\(name), value);
                \(name) = value;
            }

        """
    }
    return text
  }

  private mutating func token(_ name: String) -> String {
    let decimals = Int.random(in: 6...18, using: &random)
    return head(name, "A token with a cap and pausing.", imports: ["Owned", "IToken"]) + """
      contract \(name) is Owned, IToken {
          string public constant name = "\(name)";
          uint8 public constant decimals = \(decimals);
          uint256 public override totalSupply;
          mapping(address => uint256) public override balanceOf;
          mapping(address => mapping(address => uint256)) public allowance;

          error TooLittle(address account, uint256 available, uint256 required);
      \(settings(Int.random(in: 1...5, using: &random)))
          /// @notice Moves tokens of the caller.
          function transfer(address to, uint256 value) external override returns (bool) {
              _move(msg.sender, to, value);
              return true;
          }

          /// @notice Moves tokens that the caller was allowed to move.
          function transferFrom(address from, address to, uint256 value) external returns (bool) {
              uint256 allowed = allowance[from][msg.sender];
              if (allowed != type(uint256).max) {
                  if (allowed < value) revert TooLittle(from, allowed, value);
                  unchecked {
                      allowance[from][msg.sender] = allowed - value;
                  }
              }
              _move(from, to, value);
              return true;
          }

          function approve(address spender, uint256 value) external returns (bool) {
              allowance[msg.sender][spender] = value;
              return true;
          }

          function mint(address to, uint256 value) external onlyOwner {
              totalSupply += value;
              require(totalSupply <= \(Int.random(in: 1...900, using: &random)) * 10 ** decimals, "cap");
              balanceOf[to] += value;
              emit Transfer(address(0), to, value);
          }

          function _move(address from, address to, uint256 value) internal {
              uint256 available = balanceOf[from];
              if (available < value) revert TooLittle(from, available, value);
              unchecked {
                  balanceOf[from] = available - value;
                  balanceOf[to] += value;
              }
              emit Transfer(from, to, value);
          }
      }

      """
  }

  private mutating func vault(_ name: String) -> String {
    head(name, "Keeps ether and tokens for accounts.", imports: ["Owned", "IToken", "Arithmetic"])
      + """
      contract \(name) is Owned {
          using Arithmetic for uint256;

          struct Position {
              uint128 amount;
              uint64 since;
              bool locked;
          }

          IToken public immutable token;
          mapping(address => Position) public positions;
          address[] public holders;

          constructor(IToken token_) {
              token = token_;
          }
      \(settings(Int.random(in: 1...6, using: &random)))
          function deposit(uint256 value) external {
              require(token.transfer(address(this), value), "refused");
              Position storage position = positions[msg.sender];
              if (position.since == 0) holders.push(msg.sender);
              position.amount += uint128(value);
              position.since = uint64(block.timestamp);
          }

          function withdraw(uint256 value) external {
              Position storage position = positions[msg.sender];
              require(!position.locked && position.amount >= value, "locked or too little");
              position.amount -= uint128(value);
              token.transfer(msg.sender, value.scaled(\(Int.random(in: 900...1000, using: &random)), 1000));
          }

          function total() external view returns (uint256 sum) {
              for (uint256 i = 0; i < holders.length; i++) {
                  sum += positions[holders[i]].amount;
              }
          }

          receive() external payable {}

          function sweep(address payable to) external onlyOwner {
              (bool sent, bytes memory answer) = to.call{value: address(this).balance}("");
              require(sent, string(answer));
          }
      }

      """
  }

  private mutating func staking(_ name: String) -> String {
    let period = Int.random(in: 1...52, using: &random)
    return head(name, "Pays rewards over time.", imports: ["Owned", "IToken", "Arithmetic"]) + """
      contract \(name) is Owned {
          using Arithmetic for uint256;

          uint256 private constant PRECISION = 1e18;
          uint256 public immutable period = \(period) weeks;
          IToken public reward;
          uint256 public rate;
          uint256 public perShare;
          uint256 public updatedAt;
          uint256 public total;
          mapping(address => uint256) public staked;
          mapping(address => uint256) private paid;
          mapping(address => uint256) public earned;

          modifier updates(address account) {
              perShare = current();
              updatedAt = block.timestamp;
              if (account != address(0)) {
                  earned[account] += staked[account].scaled(perShare - paid[account], PRECISION);
                  paid[account] = perShare;
              }
              _;
          }
      \(settings(Int.random(in: 1...4, using: &random)))
          function current() public view returns (uint256) {
              if (total == 0) return perShare;
              return perShare + (block.timestamp - updatedAt) * rate * PRECISION / total;
          }

          function stake(uint256 value) external updates(msg.sender) {
              require(value > 0, "nothing to stake");
              total += value;
              staked[msg.sender] += value;
          }

          function leave(uint256 value) external updates(msg.sender) {
              total -= value;
              staked[msg.sender] -= value;
          }

          function claim() external updates(msg.sender) returns (uint256 value) {
              value = earned[msg.sender];
              if (value > 0) {
                  earned[msg.sender] = 0;
                  require(reward.transfer(msg.sender, value), "refused");
              }
          }
      }

      """
  }

  private mutating func proxy(_ name: String) -> String {
    head(name, "Hands calls on to an implementation.", imports: ["Owned"]) + """
      contract \(name) {
          bytes32 private constant SLOT = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
          bytes32 private constant ADMIN = bytes32(uint256(keccak256("eip1967.proxy.admin")) - 1);

          event Upgraded(address indexed implementation);

          constructor(address implementation, address admin) {
              bytes32 slot = SLOT;
              bytes32 adminSlot = ADMIN;
              assembly ("memory-safe") {
                  sstore(slot, implementation)
                  sstore(adminSlot, admin)
              }
          }

          function upgradeTo(address implementation) external {
              bytes32 slot = SLOT;
              bytes32 adminSlot = ADMIN;
              address admin;
              assembly {
                  admin := sload(adminSlot)
              }
              require(msg.sender == admin, "not the admin");
              assembly {
                  sstore(slot, and(implementation, 0xffffffffffffffffffffffffffffffffffffffff))
              }
              emit Upgraded(implementation);
          }

          fallback() external payable {
              bytes32 slot = SLOT;
              assembly {
                  calldatacopy(0, 0, calldatasize())
                  let ok := delegatecall(gas(), sload(slot), 0, calldatasize(), 0, 0)
                  returndatacopy(0, 0, returndatasize())
                  switch ok
                  case 0 { revert(0, returndatasize()) }
                  default { return(0, returndatasize()) }
              }
          }
      }

      contract \(name)Logic is Owned {
      \(settings(Int.random(in: 2...6, using: &random)))
      }

      """
  }

  private mutating func registry(_ name: String) -> String {
    let states = (0..<Int.random(in: 3...7, using: &random)).map { "State\($0)" }
    return head(name, "Remembers who registered what, and votes on it.", imports: ["Owned"]) + """
      contract \(name) is Owned {
          enum State { \(states.joined(separator: ", ")) }

          struct Entry {
              address author;
              State state;
              uint40 createdAt;
              uint256 votes;
              bytes content;
              mapping(address => bool) voted;
          }

          mapping(bytes32 => Entry) private entries;
          bytes32[] public keys;

          error Unknown(bytes32 key);
          event Registered(bytes32 indexed key, address indexed author);
      \(settings(Int.random(in: 1...4, using: &random)))
          function register(bytes calldata content) external returns (bytes32 key) {
              key = keccak256(abi.encode(msg.sender, content, keys.length));
              Entry storage entry = entries[key];
              entry.author = msg.sender;
              entry.createdAt = uint40(block.timestamp);
              entry.content = content;
              keys.push(key);
              emit Registered(key, msg.sender);
          }

          function vote(bytes32 key, bool support) external {
              Entry storage entry = entries[key];
              if (entry.author == address(0)) revert Unknown(key);
              require(!entry.voted[msg.sender], "voted");
              entry.voted[msg.sender] = true;
              entry.votes = support ? entry.votes + 1 : entry.votes;
              if (entry.votes > \(Int.random(in: 2...50, using: &random))) entry.state = State.\(states[1]);
          }

          function stateOf(bytes32 key) external view returns (State, uint256) {
              return (entries[key].state, entries[key].votes);
          }
      }

      """
  }

  private static let owned = """
    // SPDX-License-Identifier: MIT
    pragma solidity ^0.8.20;

    /// @notice One account with special rights.
    abstract contract Owned {
        address public owner;

        event OwnerChanged(address indexed previous, address indexed current);

        modifier onlyOwner() {
            require(msg.sender == owner, "not the owner");
            _;
        }

        constructor() {
            owner = msg.sender;
        }

        function changeOwner(address next) external virtual onlyOwner {
            require(next != address(0), "no owner");
            emit OwnerChanged(owner, next);
            owner = next;
        }
    }

    """

  private static let interface = """
    // SPDX-License-Identifier: MIT
    pragma solidity ^0.8.20;

    interface IToken {
        event Transfer(address indexed from, address indexed to, uint256 value);

        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
    }

    """

  private static let library = """
    // SPDX-License-Identifier: MIT
    pragma solidity ^0.8.20;

    /// @notice Multiplication and division without losing the upper half.
    library Arithmetic {
        function scaled(uint256 a, uint256 b, uint256 divisor) internal pure returns (uint256 result) {
            if (a == 0 || b == 0) return 0;
            require(divisor > 0, "division by zero");
            unchecked {
                uint256 product = a * b;
                require(product / a == b, "overflow");
                assembly ("memory-safe") {
                    result := div(product, divisor)
                }
            }
        }
    }

    """
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
