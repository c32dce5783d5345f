extension OracleDetector {
  static let stale = Rule(
    id: "stale-oracle-price",
    title: "A price is used without a look at its age",
    severity: .medium, confidence: .high, category: .oracles,
    summary: """
      `latestRoundData` is used without comparing `updatedAt`, or the deprecated `latestAnswer` is \
      used.
      """,
    why: "A feed that has stopped keeps answering its last price.",
    howToFix: "Require that `updatedAt` is recent, by the heartbeat of the feed.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Feed {
        function latestRoundData() external view
          returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 round);
      }

      contract Prices {
        Feed immutable feed;
        constructor(Feed feed_) { feed = feed_; }
        function price() external view returns (int256) {
          (, int256 answer, , , ) = feed.latestRoundData();
          return answer;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Feed {
        function latestRoundData() external view
          returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 round);
      }

      contract Prices {
        Feed immutable feed;
        constructor(Feed feed_) { feed = feed_; }
        function price() external view returns (int256) {
          (, int256 answer, , uint256 updatedAt, ) = feed.latestRoundData();
          require(answer > 0 && updatedAt + 1 hours > block.timestamp, "old price");
          return answer;
        }
      }
      """,
    references: [.cwe(672)])

  static let spot = Rule(
    id: "spot-price",
    title: "A pool's momentary holdings are taken as a price",
    severity: .medium, confidence: .low, category: .oracles,
    summary:
      "The ratio of two holdings of a pool, read in the same transaction, is used as a price.",
    why: "One large trade changes the ratio, and a flash loan pays for the trade.",
    howToFix: "Use an average over time, or a feed that does not depend on one pool.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function balanceOf(address account) external view returns (uint256); }

      contract Prices {
        Token immutable a;
        Token immutable b;
        address immutable pool;
        constructor(Token a_, Token b_, address pool_) { a = a_; b = b_; pool = pool_; }
        function price() external view returns (uint256) {
          return (a.balanceOf(pool) * 1e18) / b.balanceOf(pool);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Oracle { function average(address token) external view returns (uint256); }

      contract Prices {
        Oracle immutable oracle;
        address immutable a;
        address immutable b;
        constructor(Oracle oracle_, address a_, address b_) { oracle = oracle_; a = a_; b = b_; }
        function price() external view returns (uint256) {
          return (oracle.average(a) * 1e18) / oracle.average(b);
        }
      }
      """,
    references: [.cwe(807)])

  static let midway = Rule(
    id: "pool-view-reentrancy",
    title: "A pool's view is trusted while the pool may be in the middle of a call",
    severity: .medium, confidence: .low, category: .reentrancy,
    summary: """
      A view known to answer wrongly during a withdrawal of the pool (`get_virtual_price`, `getRate`, \
      `getPoolTokens`) is used without first calling something that the pool's lock refuses.
      """,
    why:
      "Inside the pool's callback the caller sees a price that is neither the old nor the new one.",
    howToFix: "First call a function of the pool that reverts while its lock is held.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Pool { function get_virtual_price() external view returns (uint256); }

      contract Collateral {
        Pool immutable pool;
        constructor(Pool pool_) { pool = pool_; }
        function value(uint256 amount) external view returns (uint256) {
          return (pool.get_virtual_price() * amount) / 1e18;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Pool {
        function get_virtual_price() external view returns (uint256);
        function withdraw_admin_fees() external;
      }

      contract Collateral {
        Pool immutable pool;
        constructor(Pool pool_) { pool = pool_; }
        function value(uint256 amount) external returns (uint256) {
          pool.withdraw_admin_fees();
          return (pool.get_virtual_price() * amount) / 1e18;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let slippage = Rule(
    id: "missing-slippage-limit",
    title: "A trade is accepted at any price",
    severity: .medium, confidence: .high, category: .oracles,
    summary: "The least amount to receive from a trade is the constant zero.",
    why: "Whoever sees the transaction first can move the price against it.",
    howToFix: "Let the caller state the least amount to receive.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Router {
        function swap(uint256 amountIn, uint256 amountOutMin, address to) external;
      }

      contract Trader {
        Router immutable router;
        constructor(Router router_) { router = router_; }
        function trade(uint256 amount) external { router.swap(amount, 0, msg.sender); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Router {
        function swap(uint256 amountIn, uint256 amountOutMin, address to) external;
      }

      contract Trader {
        Router immutable router;
        constructor(Router router_) { router = router_; }
        function trade(uint256 amount, uint256 least) external {
          router.swap(amount, least, msg.sender);
        }
      }
      """,
    references: [.cwe(682)])

  static let callback = Rule(
    id: "unprotected-callback",
    title: "Anyone can call a callback meant for a pool or lender",
    severity: .high, confidence: .medium, category: .accessControl,
    summary: """
      A function with the name of a well-known callback moves tokens or changes state without any \
      check that involves the caller.
      """,
    why: "Its arguments are taken as proof of a trade that never happened.",
    howToFix: "Require that `msg.sender` is the pool or lender expected.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function transfer(address to, uint256 amount) external returns (bool); }

      contract Swapper {
        Token immutable token;
        constructor(Token token_) { token = token_; }
        function uniswapV3SwapCallback(int256 owed, int256, bytes calldata) external {
          require(token.transfer(msg.sender, uint256(owed)), "not paid");
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function transfer(address to, uint256 amount) external returns (bool); }

      contract Swapper {
        Token immutable token;
        address immutable pool;
        constructor(Token token_, address pool_) { token = token_; pool = pool_; }
        function uniswapV3SwapCallback(int256 owed, int256, bytes calldata) external {
          require(msg.sender == pool, "not the pool");
          require(token.transfer(msg.sender, uint256(owed)), "not paid");
        }
      }
      """,
    references: [.cwe(284)])

  static let callValue = Rule(
    id: "msg-value-in-loop",
    title: "msg.value is counted in every round of a loop",
    severity: .high, confidence: .medium, category: .funds,
    summary: "A value computed from `msg.value` is sent, stored or checked inside a loop.",
    why: "The ether arrived once; each round treats it as new.",
    howToFix: "Add up what the rounds need and compare the sum with `msg.value` once.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Shares {
        mapping(address => uint256) public paid;
        function pay(address[] calldata accounts) external payable {
          for (uint256 i; i < accounts.length; ++i) paid[accounts[i]] += msg.value;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Shares {
        mapping(address => uint256) public paid;
        function pay(address[] calldata accounts, uint256 each) external payable {
          require(msg.value == each * accounts.length, "wrong sum");
          for (uint256 i; i < accounts.length; ++i) paid[accounts[i]] += each;
        }
      }
      """,
    references: [.cwe(682)])
}
