/// The pages of the rules on proxies. They are spread over several files by subject.
enum ProxyRules {
  static let proxyStorageCollision = Rule(
    id: "proxy-storage-collision",
    title: "Proxy and implementation give the same storage different meanings",
    severity: .high, confidence: .high, category: .storage,
    summary: """
      Compares, byte by byte, what a proxy declares or writes with what the implementation behind it \
      declares, inherited variables, packing and slots named by hand included. Reports bytes that the \
      two give different meanings. The same name and type at the same place is the intended way to \
      share a variable and is not reported, nor are gaps and variables no code uses.
      """,
    why: """
      Code of the implementation runs in the proxy's storage. Where the layouts differ, setting an \
      ordinary variable of the implementation replaces the proxy's implementation or admin, and the \
      proxy's address reads as flags such as `initialized`, which lets anybody initialise again.
      """,
    howToFix: """
      Keep the proxy's own variables in slots derived from a hash (ERC-1967), or let the \
      implementation begin with the very same variables, best by inheriting them from one contract.
      """,
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Forwarder {
        address public target;

        constructor(address target_) { target = target_; }

        fallback() external payable {
          address to = target;
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }

      contract Wallet {
        address public owner;

        function take() external {
          require(owner == address(0));
          owner = msg.sender;
        }
      }

      contract Deployer {
        function deploy() external returns (address) {
          return address(new Forwarder(address(new Wallet())));
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Forwarder {
        address public target;

        constructor(address target_) { target = target_; }

        fallback() external payable {
          address to = target;
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }

      contract Wallet {
        address public target;
        address public owner;

        function take() external {
          require(owner == address(0));
          owner = msg.sender;
        }
      }

      contract Deployer {
        function deploy() external returns (address) {
          return address(new Forwarder(address(new Wallet())));
        }
      }
      """,
    references: [.eip(1967), .swc(112), .cwe(787)])

  static let delegatecallStorageMismatch = Rule(
    id: "delegatecall-storage-mismatch",
    title: "A delegatecalled function uses storage that its caller keeps something else in",
    severity: .high, confidence: .high, category: .storage,
    summary: """
      Follows a delegatecall to the function it runs (by the target's type or by the selector in its \
      data) and compares the variables that function reads or writes with what the calling contract \
      keeps in the same bytes.
      """,
    why: """
      A function called by delegatecall knows storage only by position. If its first variable is the \
      caller's library address, a harmless setter replaces the library with an address of the caller's choice.
      """,
    howToFix: """
      Make the delegate a `library` without state, pass storage to it by reference, or give both \
      contracts the same variables in the same order by inheriting them from one contract.
      """,
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract ClockKeeper {
        uint256 public time;

        function setTime(uint256 time_) external { time = time_; }
      }

      contract Diary {
        address public clock;
        address public owner;
        uint256 public time;

        constructor(address clock_) {
          clock = clock_;
          owner = msg.sender;
        }

        function note(uint256 time_) external {
          (bool ok, ) = clock.delegatecall(abi.encodeWithSignature("setTime(uint256)", time_));
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract ClockKeeper {
        address public clock;
        address public owner;
        uint256 public time;

        function setTime(uint256 time_) external { time = time_; }
      }

      contract Diary {
        address public clock;
        address public owner;
        uint256 public time;

        constructor(address clock_) {
          clock = clock_;
          owner = msg.sender;
        }

        function note(uint256 time_) external {
          (bool ok, ) = clock.delegatecall(abi.encodeWithSignature("setTime(uint256)", time_));
          require(ok);
        }
      }
      """,
    references: [.swc(112), .cwe(787)])

  static let proxySequentialStorage = Rule(
    id: "proxy-sequential-storage",
    title: "A proxy with a hashed implementation slot also keeps ordinary variables",
    severity: .medium, confidence: .medium, category: .storage,
    summary: """
      A proxy that keeps its implementation's address in a slot derived from a hash, yet declares \
      ordinary state variables, which lie where implementations keep theirs. Reported when no \
      implementation is in the program; otherwise the layouts are compared.
      """,
    why: """
      The first implementation that declares a variable shares its slot with the proxy's: an admin \
      address then reads as the flags of an initializer, or an implementation's setter replaces the admin.
      """,
    howToFix: """
      Make the variable `immutable` or `constant`, or keep it in a slot derived from a hash.
      """,
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Gate {
        bytes32 private constant TARGET =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private steward;

        constructor(address target, address steward_) {
          steward = steward_;
          assembly { sstore(TARGET, target) }
        }

        function steer(address target) external {
          require(msg.sender == steward);
          assembly { sstore(TARGET, target) }
        }

        fallback() external payable {
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), sload(TARGET), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Gate {
        bytes32 private constant TARGET =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private immutable steward;

        constructor(address target, address steward_) {
          steward = steward_;
          assembly { sstore(TARGET, target) }
        }

        function steer(address target) external {
          require(msg.sender == steward);
          assembly { sstore(TARGET, target) }
        }

        fallback() external payable {
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), sload(TARGET), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }
      """,
    references: [.eip(1967)])
}
