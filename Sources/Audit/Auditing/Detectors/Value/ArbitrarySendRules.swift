extension ArbitrarySendDetector {
  static let ether = Rule(
    id: "arbitrary-send-ether",
    title: "Anyone can withdraw ether",
    severity: .high, confidence: .medium, category: .funds,
    summary: """
      A function anyone can call sends ether to its caller, or to an account the caller names, \
      without check of the caller and without any record of what the receiver is owed.
      """,
    why: "The first to call it takes what the contract holds.",
    howToFix: """
      Restrict the function, or pay only what is recorded for the receiver and reduce the record \
      before paying.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fund {
        address public immutable keeper = msg.sender;
        receive() external payable {}

        function release(address payable to, uint256 amount) external {
          to.transfer(amount);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fund {
        address public immutable keeper = msg.sender;
        receive() external payable {}

        function release(address payable to, uint256 amount) external {
          require(msg.sender == keeper, "not the keeper");
          to.transfer(amount);
        }
      }
      """,
    references: [.swc(105), .cwe(284)])

  static let repeatable = Rule(
    id: "repeatable-withdrawal",
    title: "A recorded amount is paid out without being reduced",
    severity: .high, confidence: .high, category: .funds,
    summary: """
      The amount of ether sent is read from a record kept per account, and the function changes no \
      state at all.
      """,
    why: "The same entitlement can be claimed until the contract is empty.",
    howToFix: "Set the record to zero before sending.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bank {
        mapping(address => uint256) public owed;

        function deposit() external payable { owed[msg.sender] += msg.value; }

        function refund() external {
          payable(msg.sender).transfer(owed[msg.sender]);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bank {
        mapping(address => uint256) public owed;

        function deposit() external payable { owed[msg.sender] += msg.value; }

        function refund() external {
          uint256 amount = owed[msg.sender];
          owed[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(105), .cwe(841)])

  static let token = Rule(
    id: "arbitrary-transfer-from",
    title: "Anyone can take tokens of accounts that approved this contract",
    severity: .high, confidence: .medium, category: .tokens,
    summary: """
      `transferFrom` is called with a `from` the caller names, and nothing ties that account to the \
      caller or to a signature.
      """,
    why: "Every account that approved the contract can lose its tokens to anyone.",
    howToFix: "Take tokens from `msg.sender`, or require a signature or permission of `from`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Collector {
        Token immutable token;
        constructor(Token token_) { token = token_; }

        function collect(address from, uint256 amount) external {
          require(token.transferFrom(from, address(this), amount), "not paid");
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Collector {
        Token immutable token;
        constructor(Token token_) { token = token_; }

        function collect(uint256 amount) external {
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    references: [.cwe(284), .erc(20)])

  static let ordering = Rule(
    id: "transaction-order-dependence",
    title: "Who is paid, or how much, depends on the order of transactions",
    severity: .low, confidence: .medium, category: .funds,
    summary: """
      Ether goes to an account, or in an amount, kept in a single variable that another transaction \
      can change; or to whoever first reveals a secret that the transaction itself shows.
      """,
    why: """
      Whoever orders transactions, or pays for a place, can put a change before a payment that was \
      sent in good faith, or copy a revealed answer.
      """,
    howToFix: """
      Let the caller state the value expected, fix it per participant, or commit to answers before \
      revealing them.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Puzzle {
        bytes32 public immutable answer;
        bool public solved;
        constructor(bytes32 answer_) payable { answer = answer_; }

        function solve(string calldata guess) external {
          require(!solved, "solved");
          require(keccak256(bytes(guess)) == answer, "wrong");
          solved = true;
          payable(msg.sender).transfer(address(this).balance);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Puzzle {
        bytes32 public immutable answer;
        mapping(address => bytes32) public committed;
        constructor(bytes32 answer_) payable { answer = answer_; }

        function commit(bytes32 hash) external { committed[msg.sender] = hash; }

        function solve(string calldata guess) external {
          require(keccak256(abi.encode(guess, msg.sender)) == committed[msg.sender], "not committed");
          committed[msg.sender] = 0;
          payable(msg.sender).transfer(1 ether);
        }
      }
      """,
    references: [.swc(114), .cwe(362)])
}
