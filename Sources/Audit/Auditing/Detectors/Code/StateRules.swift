extension StorageDetector {
  static let uninitialized = Rule(
    id: "uninitialized-state",
    title: "A state variable is read but never set",
    severity: .medium, confidence: .medium, category: .declarations,
    summary: """
      A state variable of a deployable contract has no initial value, no code of the contract writes \
      it, and some function relies on it.
      """,
    why:
      "It is always zero: the zero address as owner or receiver, an empty allow list, a zero rate.",
    howToFix: "Set it in the constructor, or remove it.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Donations {
        address payable treasury;
        function give() external payable { treasury.transfer(msg.value); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Donations {
        address payable treasury;
        constructor(address payable treasury_) { treasury = treasury_; }
        function give() external payable { treasury.transfer(msg.value); }
      }
      """,
    references: [.swc(109), .cwe(824)])

  static let pointer = Rule(
    id: "uninitialized-storage-pointer",
    title: "A local storage pointer points to slot 0",
    severity: .high, confidence: .high, category: .declarations,
    summary: """
      Before 0.5 a local variable of struct or array type without data location is a pointer into \
      storage; here it is declared without a value.
      """,
    why: "Writing through it overwrites the first state variables, often the owner.",
    howToFix: "Write `memory`, or give the pointer a value.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Names {
        address public owner = msg.sender;
        struct Entry { bytes32 name; address account; }
        mapping(bytes32 => address) public accounts;
        function add(bytes32 name, address account) public {
          Entry entry;
          entry.name = name;
          entry.account = account;
          accounts[name] = account;
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Names {
        address public owner = msg.sender;
        struct Entry { bytes32 name; address account; }
        mapping(bytes32 => address) public accounts;
        function add(bytes32 name, address account) public {
          Entry memory entry;
          entry.name = name;
          entry.account = account;
          accounts[name] = account;
        }
      }
      """,
    references: [.swc(109), .cwe(824)])

  static let arbitrary = Rule(
    id: "arbitrary-storage-write",
    title: "Anyone can write any storage slot",
    severity: .high, confidence: .high, category: .storage,
    summary: "A slot number that the caller supplies is written without check of the caller.",
    why: "Every variable of the contract can be replaced.",
    howToFix: "Do not take slots from callers, or restrict the function.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Store {
        address public owner = msg.sender;
        function put(uint256 slot, uint256 value) external {
          assembly { sstore(slot, value) }
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Store {
        address public owner = msg.sender;
        function put(uint256 slot, uint256 value) external {
          require(msg.sender == owner, "not the owner");
          assembly { sstore(slot, value) }
        }
      }
      """,
    references: [.swc(124), .cwe(123)])

  static let lostCopy = Rule(
    id: "lost-storage-copy",
    title: "A copy of a stored struct is changed and then dropped",
    severity: .medium, confidence: .high, category: .storage,
    summary: """
      A struct is copied from storage to memory, members of the copy are assigned, and the copy is \
      not used afterwards.
      """,
    why: "The change is lost, although the code reads as if it were stored.",
    howToFix: "Declare the local variable `storage`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Users {
        struct User { uint256 points; }
        mapping(address => User) public users;
        function award(uint256 points) external {
          User memory user = users[msg.sender];
          user.points = points;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Users {
        struct User { uint256 points; }
        mapping(address => User) public users;
        function award(uint256 points) external {
          User storage user = users[msg.sender];
          user.points = points;
        }
      }
      """,
    references: [.cwe(563)])

  static let mappingDeletion = Rule(
    id: "mapping-deletion",
    title: "delete leaves mappings inside a struct untouched",
    severity: .medium, confidence: .high, category: .storage,
    summary: "`delete` is applied to a struct in storage that holds a mapping.",
    why: "Old entries, such as permissions, survive the deletion.",
    howToFix: "Clear the entries one by one, or use a new key for each struct.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Groups {
        struct Group { uint256 size; mapping(address => bool) members; }
        mapping(uint256 => Group) groups;
        function close(uint256 id) external { delete groups[id]; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Groups {
        struct Group { uint256 size; address keeper; }
        mapping(uint256 => Group) groups;
        function close(uint256 id) external { delete groups[id]; }
      }
      """,
    references: [.cwe(459)])
}
