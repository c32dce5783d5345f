extension ProxyRules {
  static let upgradeStorageChange = Rule(
    id: "upgrade-storage-change",
    title: "The next version gives stored values another meaning",
    severity: .high, confidence: .high, category: .upgrade,
    summary: """
      Compares the storage of two versions of an upgradeable contract that the program holds: told by code that \
      upgrades a proxy, by an annotation, by names, or by likeness. `maslin upgrade-check` compares any two.
      """,
    why: """
      The proxy's storage stays as it is. A variable inserted, removed or retyped makes all that follow read what \
      others have left.
      """,
    howToFix:
      "Append new variables behind the old ones, or into a gap, and keep the types of the old ones.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract StoreV1 {
        address public owner;
        uint256 public price;

        function setPrice(uint256 price_) external { price = price_; }
      }

      contract StoreV2 {
        uint256 public fee;
        address public owner;
        uint256 public price;

        function setPrice(uint256 price_) external { price = price_ + fee; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract StoreV1 {
        address public owner;
        uint256 public price;

        function setPrice(uint256 price_) external { price = price_; }
      }

      contract StoreV2 {
        address public owner;
        uint256 public price;
        uint256 public fee;

        function setPrice(uint256 price_) external { price = price_ + fee; }
      }
      """)
}
