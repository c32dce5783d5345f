extension ArrayDetector {
  static let changedCopy = Rule(
    id: "changed-copy-argument",
    title: "A function changes a copy of what was passed from storage",
    severity: .medium, confidence: .high, category: .storage,
    summary: """
      An array or struct of storage is passed to a `memory` parameter whose parts the function assigns \
      without returning or using them.
      """,
    why: "Storage keeps the old value although the code reads as if it were changed.",
    howToFix: "Declare the parameter `storage`, or return the changed value and store it.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Scores {
        uint256[3] public best;
        function record(uint256 score) external { put(best, score); }
        function put(uint256[3] memory list, uint256 score) internal pure { list[0] = score; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Scores {
        uint256[3] public best;
        function record(uint256 score) external { put(best, score); }
        function put(uint256[3] storage list, uint256 score) internal { list[0] = score; }
      }
      """,
    references: [.cwe(471)])

  static let gap = Rule(
    id: "array-gap",
    title: "Deleting an array element leaves a gap",
    severity: .low, confidence: .medium, category: .storage,
    summary: """
      An element of a dynamic array in storage is deleted, and the function neither moves another into \
      its place nor shortens the array.
      """,
    why: "The length stays the same, and later code meets a zero entry it does not expect.",
    howToFix: "Move the last element to the place and `pop`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Queue {
        uint256[] public tasks;
        function add(uint256 task) external { tasks.push(task); }
        function remove(uint256 index) external { delete tasks[index]; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Queue {
        uint256[] public tasks;
        function add(uint256 task) external { tasks.push(task); }
        function remove(uint256 index) external {
          tasks[index] = tasks[tasks.length - 1];
          tasks.pop();
        }
      }
      """,
    references: [.cwe(459)])
}
