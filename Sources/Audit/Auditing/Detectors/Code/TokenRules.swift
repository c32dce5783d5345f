extension TokenDetector {
  static let interface = Rule(
    id: "token-interface",
    title: "A token function answers something else than its standard says",
    severity: .medium, confidence: .high, category: .tokens,
    summary: """
      A contract with the functions of ERC-20, ERC-721 or ERC-4626 declares one of them with other \
      return values. Low for interfaces.
      """,
    why:
      "Contracts compiled for the standard revert when they decode the answer; tokens get stuck.",
    howToFix: "Return what the standard says.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        mapping(address => mapping(address => uint256)) public allowance;
        function transfer(address to, uint256 amount) external {
          balanceOf[msg.sender] -= amount;
          balanceOf[to] += amount;
        }
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        mapping(address => mapping(address => uint256)) public allowance;
        function transfer(address to, uint256 amount) external returns (bool) {
          balanceOf[msg.sender] -= amount;
          balanceOf[to] += amount;
          return true;
        }
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    references: [.erc(20), .erc(721), .erc(4626), .cwe(573)])

  static let separator = Rule(
    id: "domain-separator-collision",
    title: "A function answers in the place of DOMAIN_SEPARATOR",
    severity: .medium, confidence: .high, category: .tokens,
    summary: """
      A public function or variable has the selector of `DOMAIN_SEPARATOR()` under another name, or \
      that name with another return type.
      """,
    why: "Permits are signed over, or checked against, a domain that is not the token's.",
    howToFix: "Rename the function, or return the `bytes32` separator.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        function DOMAIN_SEPARATOR() external pure returns (uint256) { return 7; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        function DOMAIN_SEPARATOR() external pure returns (bytes32) { return bytes32(uint256(7)); }
      }
      """,
    references: [.erc(2612), .cwe(628)])

  static let inflation = Rule(
    id: "share-inflation",
    title: "The price of a vault's shares can be raised by a gift",
    severity: .medium, confidence: .medium, category: .tokens,
    summary: """
      Shares are minted as deposit times supply over the contract's own token balance, without \
      virtual shares or assets.
      """,
    why: "The first depositor can make later deposits round down to nothing and keep them.",
    howToFix: """
      Keep own books of assets, or add virtual shares and assets to the formula, as OpenZeppelin's \
      ERC4626 does.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function balanceOf(address account) external view returns (uint256);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Vault {
        Token immutable token;
        uint256 public supply;
        mapping(address => uint256) public shares;
        constructor(Token token_) { token = token_; }
        function deposit(uint256 amount) external {
          uint256 minted = supply == 0 ? amount : (amount * supply) / token.balanceOf(address(this));
          supply += minted;
          shares[msg.sender] += minted;
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function balanceOf(address account) external view returns (uint256);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Vault {
        Token immutable token;
        uint256 public supply;
        mapping(address => uint256) public shares;
        constructor(Token token_) { token = token_; }
        function deposit(uint256 amount) external {
          uint256 minted = (amount * (supply + 1000)) / (token.balanceOf(address(this)) + 1);
          supply += minted;
          shares[msg.sender] += minted;
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    references: [.erc(4626), .cwe(682)])

  static let selfTransfer = Rule(
    id: "self-transfer",
    title: "A transfer to oneself creates tokens",
    severity: .high, confidence: .high, category: .tokens,
    summary: """
      Both balances of a transfer are read before either is written, and giver and receiver may be \
      the same account.
      """,
    why: "The second write overwrites the first, so the amount is gained instead of moved.",
    howToFix: "Read the receiver's balance after writing the giver's, or refuse equal accounts.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function move(address to, uint256 amount) external {
          uint256 mine = balances[msg.sender];
          uint256 theirs = balances[to];
          balances[msg.sender] = mine - amount;
          balances[to] = theirs + amount;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function move(address to, uint256 amount) external {
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    references: [.cwe(682)])

  static let approval = Rule(
    id: "approval-front-running",
    title: "A changed approval can be spent twice",
    severity: .informational, confidence: .high, category: .tokens,
    summary: """
      `approve` overwrites the old amount without looking at it, and the token offers no way to \
      change an approval by a difference or a signature.
      """,
    why:
      "A spender who sees the change in time spends the old amount before and the new one after.",
    howToFix: "Offer functions that raise and lower approvals, or require zero in between.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => mapping(address => uint256)) public allowance;
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => mapping(address => uint256)) public allowance;
        function approve(address spender, uint256 amount) external returns (bool) {
          require(amount == 0 || allowance[msg.sender][spender] == 0, "set to zero first");
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    references: [.swc(114), .erc(20)])
}
