/// The texts of the formats of JSON schema (draft 2020-12, validation, section 7.3).
///
/// Each is a subset of what its standard allows, large enough for what is usually written, in which every text is valid:
/// years run from 1000 to 9999, seconds to 59, e-mail addresses and host names are ASCII, URIs have a scheme and no
/// spaces.
enum StringFormat {
  /// Formats the draft defines that cannot be enforced here.
  static let refused: Set<String> = [
    "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "regex",
    "relative-json-pointer",
  ]

  /// The texts of a format; nil for names the draft does not define, which are annotations.
  static func expression(_ name: String) throws(GrammarError) -> ScalarExpression? {
    guard let pattern = pattern(name) else { return nil }
    return try RegularExpression(pattern).whole
  }

  private static func pattern(_ name: String) -> String? {
    switch name {
    case "date": date
    case "time": time
    case "date-time": "(\(date))[Tt](\(time))"
    case "duration":
      "P(\\d{1,9}W|(\\d{1,9}Y(\\d{1,9}M(\\d{1,9}D)?)?|\\d{1,9}M(\\d{1,9}D)?|\\d{1,9}D)(T\(clock))?|T\(clock))"
    case "email": "\(atom)(\\.\(atom)){0,4}@\(host)"
    case "hostname": host
    case "ipv4": ipv4
    case "ipv6": ipv6
    case "uuid": "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    case "uri": "[A-Za-z][A-Za-z0-9+.-]{0,20}:\(hierarchy)(\\?\(query))?(#\(query))?"
    case "uri-reference":
      "([A-Za-z][A-Za-z0-9+.-]{0,20}:\(hierarchy)|(\(authority)(/\(segment))*|/(\(pathCharacter)+(/\(segment))*)?|\(firstSegment)(/\(segment))*)?)(\\?\(query))?(#\(query))?"
    case "json-pointer": "(/([^/~]|~[01])*)*"
    default: nil
    }
  }

  private static let leapYear =
    "[1-9]\\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00"
  private static let date =
    "[1-9]\\d{3}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|(\(leapYear))-02-29"
  private static let time =
    "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
  private static let clock =
    "(\\d{1,9}H(\\d{1,9}M(\\d{1,9}S)?)?|\\d{1,9}M(\\d{1,9}S)?|\\d{1,9}S)"
  private static let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}"
  /// Two hyphens in a row would be the mark of an internationalised name (RFC 5891), which has rules of its own.
  private static let label = "[A-Za-z0-9](-?[A-Za-z0-9]){0,30}"
  /// Four labels of 61 stay within 253.
  private static let host = "(\(label)\\.){0,3}\(label)"
  private static let byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
  private static let ipv4 = "(\(byte)\\.){3}\(byte)"
  private static let group = "[0-9A-Fa-f]{1,4}"
  private static let lastGroups = "(\(group):\(group)|\(ipv4))"
  /// RFC 3986, section 3.2.2.
  private static let ipv6 =
    "(\(group):){6}\(lastGroups)|::(\(group):){5}\(lastGroups)|(\(group))?::(\(group):){4}\(lastGroups)"
    + "|((\(group):){0,1}\(group))?::(\(group):){3}\(lastGroups)|((\(group):){0,2}\(group))?::(\(group):){2}\(lastGroups)"
    + "|((\(group):){0,3}\(group))?::\(group):\(lastGroups)|((\(group):){0,4}\(group))?::\(lastGroups)"
    + "|((\(group):){0,5}\(group))?::\(group)|((\(group):){0,6}\(group))?::"
  private static let pathCharacter = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
  private static let segment = "\(pathCharacter)*"
  private static let firstSegment = "([A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+"
  private static let query = "([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
  private static let authority =
    "//(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(:\\d{1,5})?"
  private static let hierarchy =
    "(\(authority)(/\(segment))*|/(\(pathCharacter)+(/\(segment))*)?|\(pathCharacter)+(/\(segment))*)"
}
