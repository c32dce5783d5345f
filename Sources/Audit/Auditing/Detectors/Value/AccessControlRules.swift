extension AccessControlDetector {
  static let selfdestruct = Rule(
    id: "unprotected-selfdestruct",
    title: "Anyone can destroy the contract",
    severity: .high, confidence: .high, category: .accessControl,
    summary: "`selfdestruct` can be reached by any caller.",
    why: """
      The contract's ether is lost to the beneficiary. Where code is really removed, everything \
      that depends on it stops, proxies included.
      """,
    howToFix: "Remove it, or require a privileged caller.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Till {
        address immutable owner = msg.sender;
        receive() external payable {}
        function close(address payable to) external { selfdestruct(to); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Till {
        address immutable owner = msg.sender;
        receive() external payable {}
        function close(address payable to) external {
          require(msg.sender == owner, "not the owner");
          selfdestruct(to);
        }
      }
      """,
    references: [.swc(106), .cwe(284)])

  static let ownership = Rule(
    id: "unprotected-ownership",
    title: "Anyone can take a privileged role",
    severity: .high, confidence: .high, category: .accessControl,
    summary: """
      A variable that other functions hold the caller against can be set by anyone, to a value of \
      their choice. Functions meant as constructors but named otherwise belong here.
      """,
    why: "Whoever sets the variable has the rights it guards.",
    howToFix: "Restrict the function, or make it a constructor.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Safe {
        address public owner;
        receive() external payable {}
        function setup() external { owner = msg.sender; }
        function pay(address payable to, uint256 amount) external {
          require(msg.sender == owner, "not the owner");
          to.transfer(amount);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Safe {
        address public owner;
        constructor() { owner = msg.sender; }
        receive() external payable {}
        function handOver(address next) external {
          require(msg.sender == owner, "not the owner");
          owner = next;
        }
        function pay(address payable to, uint256 amount) external {
          require(msg.sender == owner, "not the owner");
          to.transfer(amount);
        }
      }
      """,
    references: [.swc(105), .swc(118), .cwe(284)])

  static let setter = Rule(
    id: "unprotected-setter",
    title: "Anyone can change a setting that calls rely on",
    severity: .medium, confidence: .medium, category: .accessControl,
    summary: """
      A function without any condition on caller or state writes its argument to a variable that \
      another function uses as the target, value or argument of an external call.
      """,
    why: "The setting decides where calls go or what they carry.",
    howToFix: "Restrict the function to whoever is meant to configure the contract.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Oracle { function report(uint256 value) external; }

      contract Reporter {
        Oracle public oracle;
        function setOracle(Oracle next) external { oracle = next; }
        function report(uint256 value) external { oracle.report(value); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Oracle { function report(uint256 value) external; }

      contract Reporter {
        Oracle public oracle;
        address immutable keeper = msg.sender;
        function setOracle(Oracle next) external {
          require(msg.sender == keeper, "not the keeper");
          oracle = next;
        }
        function report(uint256 value) external { oracle.report(value); }
      }
      """,
    references: [.cwe(284)])

  static let balance = Rule(
    id: "unprotected-balance-change",
    title: "Anyone can change anyone's balance",
    severity: .high, confidence: .medium, category: .tokens,
    summary: """
      The mapping behind `balanceOf` is increased or decreased for an account the caller names, by \
      an amount the caller names, without permission, allowance or payment.
      """,
    why: "Tokens can be made, destroyed or taken by anyone.",
    howToFix: "Restrict the function, or work on `msg.sender`'s balance or an allowance.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        uint256 public totalSupply;

        function mint(address to, uint256 amount) external {
          balanceOf[to] += amount;
          totalSupply += amount;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        uint256 public totalSupply;
        address immutable minter = msg.sender;

        function mint(address to, uint256 amount) external {
          require(msg.sender == minter, "not the minter");
          balanceOf[to] += amount;
          totalSupply += amount;
        }
      }
      """,
    references: [.cwe(284), .erc(20)])

  static let length = Rule(
    id: "array-length-write",
    title: "The length of a storage array can be set so that it covers all of storage",
    severity: .high, confidence: .medium, category: .storage,
    summary: """
      Before 0.6 the length of a storage array could be written. Here anyone can set it to a value \
      of their choice, or reduce it below zero.
      """,
    why: "A write of an element of such an array reaches every storage slot.",
    howToFix: "Use `push` and `pop`, and check that the array is not empty first.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Codes {
        uint[] codes;
        function push(uint code) public { codes.push(code); }
        function pop() public { codes.length--; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Codes {
        uint[] codes;
        function push(uint code) public { codes.push(code); }
        function pop() public {
          require(codes.length > 0);
          codes.length--;
        }
      }
      """,
    references: [.swc(124), .cwe(123)])
}
