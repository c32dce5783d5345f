import Solidity
import SoliditySyntax
import Testing

@Suite("Import scan")
struct ImportScannerTests {
  @Test("Finds every form of import and every contract's name, and nothing inside of bodies")
  func forms() {
    let text = #"""
      // import "no1.sol";
      /* import "no2.sol"; contract NoC {} */
      pragma solidity ^0.8.0;
      import "a.sol";
      import'b.sol';
      import * as C from "c.sol";
      import {D, E as F} from "d/e.sol";
      import "es\x63aped\u002esol" as G;
      string constant text = "import 'no3.sol';";
      contract A { string s = "} import 'no4.sol';"; function f() { import_("no5"); } }
      abstract contract B is A {}
      interface I {} library L {}
      import "late.sol";
      """#
    let scan = ImportScanner(Array(text.utf8))
    #expect(scan.imports == ["a.sol", "b.sol", "c.sol", "d/e.sol", "escaped.sol", "late.sol"])
    #expect(scan.contracts == ["A", "B", "I", "L"])
  }

  @Test("Agrees with the parser on any cut of a file")
  func cuts() {
    let text = Array(
      #"import "a\"b.sol"; import {X} from 'c.sol'; contract A { string s = '}'; } import "d";"#
        .utf8)
    for length in 0...text.count {
      let bytes = Array(text[..<length])
      let unit = Parser.parse(SourceFile(path: "cut.sol", bytes: bytes))
      guard unit.understood else { continue }
      let imports = unit.items.compactMap { item -> String? in
        if case .import(let directive) = item { directive.path } else { nil }
      }
      #expect(ImportScanner(bytes).imports == imports)
    }
  }

  @Test(
    "Broken files end the scan, not the program",
    arguments: ["import \"", "import \"a\\", "/*", "//", "/", "}}}}import \"x\";", "contract", "'"])
  func broken(text: String) {
    let scan = ImportScanner(Array(text.utf8))
    #expect(scan.imports.count <= 1)
  }
}
