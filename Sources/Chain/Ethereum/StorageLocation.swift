/// Where storage of a namespace, a mapping or a dynamic array lies.
public enum StorageLocation {
  /// The first slot of an ERC-7201 namespace:
  /// `keccak256(abi.encode(uint256(keccak256(id)) - 1)) & ~0xff`.
  ///
  /// The inner hash is encoded as a full 32-byte word, leading zeros included. The standard asks
  /// for an id without white space; any text is hashed as it is.
  public static func erc7201(id: some StringProtocol) -> Word {
    let inner = Keccak256.hash(utf8: id).word &- .one
    return Keccak256.hash(words: inner).word & ~Word.lowBits(8)
  }

  /// An ERC-1967 style slot: `keccak256(label) - 1`.
  public static func erc1967(label: some StringProtocol) -> Word {
    Keccak256.hash(utf8: label).word &- .one
  }

  /// The slot of the value that a mapping at `base` holds for a key of a value type, which
  /// Solidity pads to 32 bytes: `keccak256(key . base)`.
  public static func mappingValue(key: Word, base: Word) -> Word {
    Keccak256.hash(words: key, base).word
  }

  /// The first slot of the elements of a dynamic array, or of a long `bytes` or `string`, whose
  /// length lies at `base`: `keccak256(base)`.
  public static func elements(of base: Word) -> Word {
    Keccak256.hash(words: base).word
  }
}
