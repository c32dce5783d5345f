extension RandomnessDetector {
  static let randomness = Rule(
    id: "weak-randomness",
    title: "Chance is drawn from block data",
    severity: .medium, confidence: .medium, category: .randomness,
    summary: """
      A number made from the block's time, number, hash, difficulty or producer decides something.
      """,
    why: """
      A contract called in the same block computes the same number and takes part only when it \
      wins; block producers can choose among outcomes.
      """,
    howToFix: "Use a verifiable random function, or commit and reveal over several blocks.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Lottery {
        mapping(uint256 => address) public players;
        uint256 public count;

        function join() external { players[count++] = msg.sender; }

        function winner() external view returns (address) {
          uint256 seed = uint256(keccak256(abi.encode(block.timestamp, block.prevrandao)));
          return players[seed % count];
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Lottery {
        mapping(uint256 => address) public players;
        uint256 public count;
        uint256 public seed;
        address immutable beacon;

        constructor(address beacon_) { beacon = beacon_; }

        function join() external { players[count++] = msg.sender; }

        function fulfil(uint256 word) external {
          require(msg.sender == beacon, "not the beacon");
          seed = uint256(keccak256(abi.encode(word)));
        }

        function winner() external view returns (address) {
          return players[seed % count];
        }
      }
      """,
    references: [.swc(120), .cwe(330)])

  static let time = Rule(
    id: "timestamp-dependence",
    title: "A decision depends on the block's time",
    severity: .low, confidence: .medium, category: .randomness,
    summary: """
      A comparison with the block's time decides something. Exact comparisons are low, others \
      informational; deadlines the caller states do not count.
      """,
    why: "Block producers have some freedom in the time they state.",
    howToFix: "Allow for some seconds of error, and never compare for equality.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Auction {
        uint256 public immutable end = block.timestamp + 1 days;
        address public last;
        function bid() external payable {
          require(block.timestamp != end, "not now");
          last = msg.sender;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Auction {
        address public last;
        function bid(uint256 deadline) external payable {
          require(block.timestamp <= deadline, "too late");
          last = msg.sender;
        }
      }
      """,
    references: [.swc(116), .cwe(829)])
}
