import Bytecode
import Ethereum

/// Assembles code for tests: instruction names, `0x` operands behind `PUSHn`, `@name` for a label's
/// offset as `PUSH2`, `name:` for a `JUMPDEST` that carries the label.
func assemble(_ text: String) throws -> [UInt8] {
  struct UnknownWord: Error { let word: Substring }
  let byName = Dictionary(
    uniqueKeysWithValues: (0...255).map { byte in
      let opcode = Opcode(rawValue: UInt8(byte))
      return (opcode.description, opcode)
    })
  var code: [UInt8] = []
  var labels: [Substring: Int] = [:]
  var uses: [(offset: Int, label: Substring)] = []
  for word in text.split(whereSeparator: \.isWhitespace) {
    if word.hasSuffix(":") {
      labels[word.dropLast()] = code.count
      code.append(Opcode.jumpdest.rawValue)
    } else if word.hasPrefix("@") {
      code.append(0x61)
      uses.append((code.count, word.dropFirst()))
      code += [0, 0]
    } else if word.hasPrefix("0x") {
      code += try Hex.decode(word)
    } else if let opcode = byName[String(word)] {
      code.append(opcode.rawValue)
    } else {
      throw UnknownWord(word: word)
    }
  }
  for (offset, label) in uses {
    guard let target = labels[label] else { throw UnknownWord(word: label) }
    code[offset] = UInt8(target >> 8)
    code[offset + 1] = UInt8(target & 0xff)
  }
  return code
}

/// The start of a contract: the selector on the stack.
let selectorOnStack = "PUSH1 0x00 CALLDATALOAD PUSH1 0xe0 SHR"

extension BytecodeAnalysis {
  var selectors: [String] { functions.map(\.selector.description) }
}
