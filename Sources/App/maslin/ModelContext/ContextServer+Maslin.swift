import ModelContext

extension ContextServer {
  /// Maslin's own server: its audit as tools.
  static func maslin(_ sources: ToolSources) -> ContextServer {
    ContextServer(
      name: "maslin", title: "Maslin", version: Maslin.version,
      instructions: """
        Static analysis of Solidity on this machine: 'audit' finds vulnerabilities, 'layout' tells where state is kept, \
        'upgrade_check' tells whether a new version of an upgradeable contract keeps its storage. Results are facts \
        about the source given; read 'claim' and 'notes' before relying on an absence of findings.
        """,
      tools: [AuditTool.tool(sources), LayoutTool.tool(sources), UpgradeTool.tool(sources)])
  }
}
