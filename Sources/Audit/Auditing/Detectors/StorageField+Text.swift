import Solidity

extension StorageField {
  /// The field for people: `owner`, `data.admin`, `balances[]`, or the slot.
  var text: String {
    var text =
      switch root {
      case .variable(let reference): reference.node.name
      case .slot(let slot): "slot " + SlotText.short(slot)
      case .computed: "a computed slot"
      }
    for member in members { text += member == "[]" ? "[]" : "." + member }
    return text
  }
}
