import JSON

/// Recognises the splitting rules of a tokenizer.json by what its steps say.
enum PreTokenizerPattern {
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The steps that each set of rules is written as, in the wording of `describe`. The expressions are those of the
  /// families' published tokenizer.json files.
  private static let known: [([String], PreTokenizer)] = [
    (
      [
        #"split \p{N}{1,3}"#,
        "split [一-龥぀-ゟ゠-ヿ]+",
        ##"split [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"##
          + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
          + #"\s*"# + "[\r\n]+" + #"|\s+(?!\S)|\s+"#,
        "bytes",
      ], .deepSeek
    ),
    (
      [
        "split " + contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"#
          + spaces, "bytes",
      ], .qwen2
    ),
    (
      [
        "split " + contractions
          + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + spaces,
        "bytes",
      ], .qwen35
    ),
    (
      [
        "split " + contractions
          + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces, "bytes",
      ], .llama3
    ),
    (["gpt-2"], .gpt2),
    (["digits", "gpt-2"], .digitsThenGPT2),
  ]

  /// The rules that the steps amount to, or nil.
  static func known(_ steps: [String]) -> PreTokenizer? {
    known.first { $0.0 == steps }?.1
  }

  /// A step in words: `split REGEX`, `bytes`, `gpt-2` or `digits`.
  static func describe(_ step: JSONValue, path: String) throws(VocabularyError) -> String {
    switch step["type"]?.stringValue {
    case "Split":
      guard let expression = step["pattern"]?["Regex"]?.stringValue else {
        throw .unsupported(path: path, value: "a split by something else than an expression")
      }
      guard step["behavior"]?.stringValue == "Isolated", step["invert"]?.boolValue != true else {
        throw .unsupported(path: path, value: "a split that is not isolated")
      }
      return "split " + expression
    case "ByteLevel":
      if step["add_prefix_space"]?.boolValue == true {
        throw .unsupported(path: path + ".add_prefix_space", value: "true")
      }
      return step["use_regex"]?.boolValue == false ? "bytes" : "gpt-2"
    case "Digits" where step["individual_digits"]?.boolValue == true:
      return "digits"
    case let type:
      throw .unsupported(path: path, value: type ?? "without a type")
    }
  }
}
