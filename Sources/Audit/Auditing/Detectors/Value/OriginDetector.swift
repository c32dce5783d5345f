import Solidity
import SoliditySyntax

/// Finds permission decided by `tx.origin`.
struct OriginDetector: Detector {
  var rules: [Rule] { [Self.rule] }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for function in context.facts.functions {
      guard let graph = context.facts.graph(of: function) else { continue }
      for value in graph.index.comparisons {
        guard case .binary(let comparison, let left, let right, _, _) = graph[value].operation,
          comparison == .equal || comparison == .notEqual
        else { continue }
        let sides = [left, right].map { graph.source(of: $0) }
        guard sides.contains(.transactionOrigin), !sides.contains(.sender) else { continue }
        findings.append(
          .make(
            rule: Self.rule, at: .origin(graph[value].origin), in: context.program,
            message: """
              The account that started the transaction is taken for the one that asks. Any contract \
              that account calls, willingly or by deception, can act with its rights here.
              """,
            role: "decided by tx.origin"))
      }
    }
    return findings
  }
}

extension FunctionGraph {
  /// The environment value behind conversions and single-input phis, if it is one.
  fileprivate func source(of value: ValueID) -> Environment? {
    var value = value
    for _ in 0..<16 {
      switch self[value].operation {
      case .environment(let environment): return environment
      case .convert(let inner, _, _): value = inner
      case .phi(let inputs) where inputs.count == 1: value = inputs[0]
      default: return nil
      }
    }
    return nil
  }
}

// MARK: - Rule page

extension OriginDetector {
  static let rule = Rule(
    id: "tx-origin",
    title: "Permission is decided by tx.origin",
    severity: .medium, confidence: .high, category: .accessControl,
    summary: """
      `tx.origin` is compared with an account other than `msg.sender`.
      """,
    why: """
      A contract called by a privileged account anywhere in a transaction passes the check, so \
      luring that account into one call is enough.
      """,
    howToFix: "Compare `msg.sender`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Wallet {
        address immutable owner = msg.sender;
        receive() external payable {}
        function pay(address payable to, uint256 amount) external {
          require(tx.origin == owner, "not the owner");
          to.transfer(amount);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Wallet {
        address immutable owner = msg.sender;
        receive() external payable {}
        function pay(address payable to, uint256 amount) external {
          require(msg.sender == owner, "not the owner");
          to.transfer(amount);
        }
      }
      """,
    references: [.swc(115), .cwe(477)])
}
