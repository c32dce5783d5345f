/// The files of the local web page, which are part of the executable.
enum PageAssets {
  /// A file as it is sent.
  struct Asset {
    /// The media type.
    var contentType: String
    /// The contents.
    var bytes: [UInt8]
  }

  /// What the page's scripts, styles and connections may reach: the server it came from.
  static let contentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  private static let script = "text/javascript; charset=utf-8"

  private static let assets: [String: Asset] = [
    "/": Asset(contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html),
    "/page/style.css": Asset(
      contentType: "text/css; charset=utf-8", bytes: PackageResources.style_css),
    "/page/icon.svg": Asset(contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
    "/page/app.js": Asset(contentType: script, bytes: PackageResources.app_js),
    "/page/api.js": Asset(contentType: script, bytes: PackageResources.api_js),
    "/page/store.js": Asset(contentType: script, bytes: PackageResources.store_js),
    "/page/composer.js": Asset(contentType: script, bytes: PackageResources.composer_js),
    "/page/messages.js": Asset(contentType: script, bytes: PackageResources.messages_js),
    "/page/audit.js": Asset(contentType: script, bytes: PackageResources.audit_js),
    "/page/markdown.js": Asset(contentType: script, bytes: PackageResources.markdown_js),
  ]

  /// The paths that have a file, sorted.
  static var paths: [String] { assets.keys.sorted() }

  /// The file at a path of the server; nil when the page has none there.
  static func asset(path: String) -> Asset? { assets[path] }
}
