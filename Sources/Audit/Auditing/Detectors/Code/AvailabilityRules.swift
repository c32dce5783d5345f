extension AvailabilityDetector {
  static let callInLoop = Rule(
    id: "external-call-in-loop",
    title: "One failing account stops a loop over all",
    severity: .medium, confidence: .medium, category: .denialOfService,
    summary: """
      A loop calls accounts kept in storage, and the failure of one call fails the whole. Medium \
      where ether is sent, else low.
      """,
    why: "One recipient that reverts keeps everybody else from being served.",
    howToFix: "Let each account withdraw its own share, or skip calls that fail.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Split {
        address payable[] public holders;
        function join() external { holders.push(payable(msg.sender)); }
        function share() external payable {
          uint256 part = msg.value / holders.length;
          for (uint256 i; i < holders.length; ++i) holders[i].transfer(part);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Split {
        mapping(address => uint256) public owed;
        function deposit(address to) external payable { owed[to] += msg.value; }
        function withdraw() external {
          uint256 amount = owed[msg.sender];
          owed[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(113), .cwe(703)])

  static let unboundedLoop = Rule(
    id: "unbounded-loop",
    title: "A loop grows with a list anyone can lengthen",
    severity: .low, confidence: .medium, category: .denialOfService,
    summary: """
      A loop with writes or calls goes over all elements of an array that unprivileged callers can \
      lengthen.
      """,
    why: "Gas per transaction is limited; past some length the function always fails.",
    howToFix: "Process a bounded range per call, or keep running totals instead of lists.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Points {
        address[] public members;
        mapping(address => uint256) public points;
        function join() external { members.push(msg.sender); }
        function reward() external {
          for (uint256 i; i < members.length; ++i) points[members[i]] += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Points {
        address[] public members;
        mapping(address => uint256) public points;
        function join() external { members.push(msg.sender); }
        function reward(uint256 from, uint256 to) external {
          for (uint256 i = from; i < to; ++i) points[members[i]] += 1;
        }
      }
      """,
    references: [.swc(128), .cwe(400)])

  static let failingRecipient = Rule(
    id: "refusing-recipient",
    title: "A recipient that refuses ether keeps its place",
    severity: .medium, confidence: .high, category: .denialOfService,
    summary: """
      An account in storage must be paid successfully before the caller can replace it there.
      """,
    why: "A contract without payable receive function cannot be outbid or replaced.",
    howToFix: "Record what the old account is owed and let it withdraw.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Throne {
        address payable public king;
        uint256 public price;
        function claim() external payable {
          require(msg.value > price, "too little");
          king.transfer(price);
          king = payable(msg.sender);
          price = msg.value;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Throne {
        address public king;
        uint256 public price;
        mapping(address => uint256) public owed;
        function claim() external payable {
          require(msg.value > price, "too little");
          owed[king] += price;
          king = msg.sender;
          price = msg.value;
        }
        function withdraw() external {
          uint256 amount = owed[msg.sender];
          owed[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(113), .cwe(703)])

  static let strictBalance = Rule(
    id: "strict-balance-equality",
    title: "An exact comparison of the contract's balance can be broken by a gift",
    severity: .medium, confidence: .high, category: .denialOfService,
    summary: "`==` or `!=` with the contract's own ether or token balance, other than with zero.",
    why: "Ether can be forced into any contract, tokens can be sent to it, by anyone.",
    howToFix: "Keep own books, or compare with `>=`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Goal {
        bool public reached;
        receive() external payable {}
        function close() external {
          require(address(this).balance == 10 ether, "not reached");
          reached = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Goal {
        bool public reached;
        receive() external payable {}
        function close() external {
          require(address(this).balance >= 10 ether, "not reached");
          reached = true;
        }
      }
      """,
    references: [.swc(132), .cwe(667)])

  static let locked = Rule(
    id: "locked-ether",
    title: "Ether can come in but not out",
    severity: .medium, confidence: .high, category: .funds,
    summary: "A contract has a payable function and no code that could send ether.",
    why: "Whatever is paid in is lost.",
    howToFix: "Remove `payable`, or add a way to withdraw.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Jar {
        uint256 public count;
        function put() external payable { count += 1; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Jar {
        uint256 public count;
        function put() external { count += 1; }
      }
      """,
    references: [.cwe(561)])
}
