import Foundation
import GGUF
import ModelFiles
import Testing

@Suite struct SafetensorsFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func image(_ header: String, data: Int = 64, length: UInt64? = nil) -> [UInt8] {
    let bytes = Array(header.utf8)
    let announced = length ?? UInt64(bytes.count)
    return withUnsafeBytes(of: announced.littleEndian) { Array($0) } + bytes
      + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
  }

  private func problem(
    _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let path = try directory.write(bytes, "bad.safetensors")
    let error = #expect(throws: ModelFileError.self, sourceLocation: sourceLocation) {
      try SafetensorsFile(path: path)
    }
    return error?.description ?? ""
  }

  @Test func readsTensors() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
      "a":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},
      "c":{"dtype":"F8_E8M0","shape":[],"data_offsets":[32,33]},
      "d":{"dtype":"I8","shape":[0,5],"data_offsets":[33,33]}}   
      """
    let file = try SafetensorsFile(path: directory.write(image(header), "x.safetensors"))
    #expect(file.tensors.map(\.name) == ["a", "b", "c", "d"])
    let b = try #require(file.tensor("b"))
    #expect(b.format == .f32 && b.shape == [2, 3] && b.count == 6)
    #expect(Array(b.bytes) == Array(0..<24))
    #expect(try #require(file.tensor("a")).bytes.first == 24)
    #expect(try #require(file.tensor("c")).count == 1)
    #expect(try #require(file.tensor("d")).count == 0)
    #expect(file.tensor("e") == nil)
    try file.checkUnchanged()
  }

  @Test(arguments: [
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}"#, "takes 16 bytes, but 12"),
    (#"{"a":{"dtype":"F32","shape":[17],"data_offsets":[0,68]}}"#, "not within the 64 bytes"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#, "not within"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#, "not within"),
    (#"{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}"#, "no list of counts"),
    (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,16]}}"#, "no list of counts"),
    (
      #"{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,16]}}"#,
      "more bytes than 63 bits count"
    ),
    (#"{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,16]}}"#, "type 'F4' is not supported"),
    (#"{"a":{"dtype":"F32","shape":[4]}}"#, "lacks dtype, shape or data_offsets"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,32]}}"#, "lacks"),
    (#"{"a":[]}"#, "lacks"), (#"[]"#, "no JSON object"), (#"{"a":"#, "line 1"), ("", "line 1"),
    (
      #"{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}"#,
      "overlap those of 'a'"
    ),
  ]) func wrongHeaders(header: String, words: String) throws {
    let problem = try problem(image(header))
    #expect(problem.contains(words), "\(problem)")
  }

  @Test func wrongLengths() throws {
    #expect(try problem([1, 2, 3]).contains("only 3 bytes"))
    for length in [UInt64(67), 1 << 32, 1 << 63, .max] {
      #expect(try problem(image("{}", length: length)).contains("of \(length) bytes is announced"))
    }
    let whole = image(#"{"a":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}"#)
    for count in 1..<whole.count { #expect(try !problem(Array(whole[..<count])).isEmpty) }
  }

  @Test func damagedHeadersNeverCrash() throws {
    let seed: UInt64 = 11
    var state = seed
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let original = image(
      #"{"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"b":{"dtype":"U8","shape":[32],"data_offsets":[32,64]}}"#
    )
    let path = "\(directory.path)/m.safetensors"
    var accepted = 0
    for _ in 0..<2000 {
      var bytes = original
      for _ in 0...random(3) { bytes[random(bytes.count - 64)] = UInt8(random(256)) }
      if random(4) == 0 { bytes.removeLast(random(bytes.count - 1)) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      guard let file = try? SafetensorsFile(path: path) else { continue }
      accepted += 1
      for tensor in file.tensors {
        #expect(tensor.count == tensor.shape.reduce(1, *), "seed \(seed)")
      }
    }
    #expect(accepted < 2000)
  }

  @Test func directories() throws {
    let error = #expect(throws: ModelFileError.self) {
      try SafetensorsFile(directory: directory.path)
    }
    #expect(error?.description.contains("neither model.safetensors nor") == true)
    let one = image(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#)
    let two = image(#"{"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#)
    try directory.write(one, "model.safetensors")
    #expect(try SafetensorsFile(directory: directory.path).tensors.map(\.name) == ["a"])
    try directory.write(one, "m1.safetensors")
    try directory.write(two, "m2.safetensors")
    func index(_ text: String) throws {
      try directory.write(Array(text.utf8), "model.safetensors.index.json")
    }
    try index(#"{"weight_map":{"b":"m2.safetensors","a":"m1.safetensors"}}"#)
    #expect(try SafetensorsFile(directory: directory.path).tensors.map(\.name) == ["a", "b"])
    for (text, words) in [
      (#"{"weight_map":{"c":"m2.safetensors"}}"#, "names tensor 'c'"),
      (#"{"weight_map":{"c":"../secret"}}"#, "lies in no file beside it"),
      (#"{"weight_map":{"c":"m3.safetensors"}}"#, "m3.safetensors"),
      (#"{"weight_map":{}}"#, "no 'weight_map'"), (#"{"#, "index.json"),
      (#"{"weight_map":{"a":"m1.safetensors","b":"model.safetensors"}}"#, "in two of the model's"),
    ] {
      try index(text)
      let error = #expect(throws: ModelFileError.self) {
        try SafetensorsFile(directory: directory.path)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }
}
