// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "maslin",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "maslin", targets: ["maslin"]),
    .library(name: "SoliditySyntax", targets: ["SoliditySyntax"]),
    .library(name: "Solidity", targets: ["Solidity"]),
    .library(name: "Bytecode", targets: ["Bytecode"]),
    .library(name: "Auditing", targets: ["Auditing"]),
    .library(name: "Ethereum", targets: ["Ethereum"]),
    .library(name: "TensorFormats", targets: ["TensorFormats"]),
    .library(name: "GGUF", targets: ["GGUF"]),
    .library(name: "Tokenization", targets: ["Tokenization"]),
    .library(name: "Kernels", targets: ["Kernels"]),
    .library(name: "Models", targets: ["Models"]),
    .library(name: "ModelFiles", targets: ["ModelFiles"]),
    .library(name: "Constraints", targets: ["Constraints"]),
    .library(name: "Inference", targets: ["Inference"]),
    .library(name: "ModelServing", targets: ["ModelServing"]),
    .library(name: "Dialects", targets: ["Dialects"]),
    .library(name: "ModelContext", targets: ["ModelContext"]),
    .library(name: "Gateway", targets: ["Gateway"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // App
    .executableTarget(
      name: "maslin",
      dependencies: [
        "Auditing", "Bytecode", "Solidity", "SoliditySyntax",
        "TensorFormats", "GGUF", "Tokenization", "Kernels", "Models", "ModelFiles", "Inference",
        "Workstation", "ModelServing", "Dialects", "ModelContext", "Gateway", "Egress",
        "JSON", "DurableFiles", "TerminalText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/App/maslin"),
    .target(
      name: "Workstation",
      dependencies: [
        "TensorFormats", "GGUF", "Tokenization", "Kernels", "Models", "ModelFiles", "Constraints",
        "Inference", "ModelServing", "Egress", "JSON", "DurableFiles", "TerminalText",
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/App/Workstation"),
    .target(name: "ModelServing", dependencies: ["JSON"], path: "Sources/App/ModelServing"),
    .target(
      name: "Dialects", dependencies: ["ModelServing", "JSON"], path: "Sources/App/Dialects"),
    .target(
      name: "ModelContext", dependencies: ["JSON", "TerminalText"],
      path: "Sources/App/ModelContext"),
    .target(
      name: "Gateway",
      dependencies: [
        "ModelServing", "Dialects", "ModelContext", "JSON", "DurableFiles", "TerminalText",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/App/Gateway",
      resources: [
        .embedInCode("Page/index.html"), .embedInCode("Page/style.css"),
        .embedInCode("Page/icon.svg"), .embedInCode("Page/app.js"), .embedInCode("Page/api.js"),
        .embedInCode("Page/store.js"), .embedInCode("Page/composer.js"),
        .embedInCode("Page/messages.js"), .embedInCode("Page/audit.js"),
        .embedInCode("Page/markdown.js"),
      ]),

    // Base
    .target(name: "TerminalText", path: "Sources/Base/TerminalText"),
    .target(name: "JSON", path: "Sources/Base/JSON"),
    .target(
      name: "DurableFiles", dependencies: ["TerminalText"], path: "Sources/Base/DurableFiles"),

    // Audit
    .target(name: "SoliditySyntax", path: "Sources/Audit/SoliditySyntax"),
    .target(
      name: "Solidity",
      dependencies: [
        "SoliditySyntax", "Ethereum", .product(name: "BigInt", package: "BigInt"),
      ],
      path: "Sources/Audit/Solidity"),
    .target(name: "Bytecode", dependencies: ["Ethereum"], path: "Sources/Audit/Bytecode"),
    .target(
      name: "Auditing",
      dependencies: [
        "SoliditySyntax", "Solidity", "Bytecode", "Ethereum", "JSON", "DurableFiles",
        "TerminalText", .product(name: "BigInt", package: "BigInt"),
      ],
      path: "Sources/Audit/Auditing"),

    // Engine
    .target(name: "CKernels", path: "Sources/Engine/CKernels"),
    .target(
      name: "TensorFormats", dependencies: ["CKernels"], path: "Sources/Engine/TensorFormats"),
    .target(
      name: "GGUF", dependencies: ["CKernels", "TensorFormats", "DurableFiles", "TerminalText"],
      path: "Sources/Engine/GGUF"),
    .target(name: "Tokenization", dependencies: ["JSON"], path: "Sources/Engine/Tokenization"),
    .target(
      name: "Kernels", dependencies: ["CKernels", "TensorFormats"],
      path: "Sources/Engine/Kernels"),
    .target(
      name: "Models", dependencies: ["TensorFormats", "GGUF", "Kernels"],
      path: "Sources/Engine/Models"),
    .target(
      name: "ModelFiles",
      dependencies: [
        "TensorFormats", "GGUF", "Kernels", "Models", "JSON", "DurableFiles", "TerminalText",
      ],
      path: "Sources/Engine/ModelFiles"),
    .target(
      name: "Constraints", dependencies: ["JSON"], path: "Sources/Engine/Constraints"),
    .target(
      name: "Inference",
      dependencies: [
        "TensorFormats", "GGUF", "Kernels", "Models", "Tokenization", "Constraints", "JSON",
        "DurableFiles",
      ],
      path: "Sources/Engine/Inference"),

    // Chain
    .target(name: "Ethereum", path: "Sources/Chain/Ethereum"),

    // Privacy
    .target(
      name: "Egress",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Sources/Privacy/Egress"),

    // Benchmarks
    .executableTarget(
      name: "AuditBenchmarks",
      dependencies: [
        "Auditing", "Solidity", "SoliditySyntax", "JSON",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/AuditBenchmarks"),
    .executableTarget(
      name: "EngineBenchmarks",
      dependencies: [
        "TensorFormats", "GGUF", "Tokenization", "CKernels", "Kernels", "Models", "ModelFiles",
        "Inference", "JSON",
      ],
      path: "Benchmarks/EngineBenchmarks"),
    .executableTarget(
      name: "ServingBenchmarks",
      dependencies: [
        "Constraints", "Tokenization", "GGUF", "Kernels", "Models", "ModelFiles", "Inference",
        "ModelServing", "Workstation", "Dialects", "Gateway", "Egress", "JSON",
      ],
      path: "Benchmarks/ServingBenchmarks"),

    // Tests
    .testTarget(
      name: "EthereumTests", dependencies: ["Ethereum"]),
    .testTarget(
      name: "SoliditySyntaxTests", dependencies: ["SoliditySyntax"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "SolidityTests", dependencies: ["Solidity", "SoliditySyntax"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "BytecodeTests", dependencies: ["Bytecode", "Ethereum"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "AuditingTests",
      dependencies: ["Auditing", "Solidity", "SoliditySyntax", "JSON", "DurableFiles"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TensorFormatsTests", dependencies: ["TensorFormats", "JSON"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "GGUFTests", dependencies: ["GGUF", "TensorFormats", "DurableFiles"]),
    .testTarget(
      name: "TokenizationTests", dependencies: ["Tokenization", "GGUF", "JSON"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "CKernels", "TensorFormats", "JSON"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "ModelsTests", dependencies: ["Models", "GGUF", "Kernels", "TensorFormats", "JSON"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "ModelFilesTests",
      dependencies: [
        "ModelFiles", "Models", "GGUF", "Kernels", "TensorFormats", "JSON", "DurableFiles",
      ]),
    .testTarget(
      name: "InferenceTests",
      dependencies: [
        "Inference", "Models", "ModelFiles", "GGUF", "Kernels", "TensorFormats", "Tokenization",
        "Constraints", "JSON", "DurableFiles",
      ]),
    .testTarget(
      name: "ConstraintsTests", dependencies: ["Constraints", "JSON"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "WorkstationTests",
      dependencies: [
        "Workstation", "ModelServing", "Inference", "Constraints", "Models", "ModelFiles", "GGUF",
        "Tokenization", "Egress", "JSON", "DurableFiles",
      ]),
    .testTarget(name: "ModelServingTests", dependencies: ["ModelServing"]),
    .testTarget(name: "DialectsTests", dependencies: ["Dialects", "ModelServing", "JSON"]),
    .testTarget(name: "ModelContextTests", dependencies: ["ModelContext", "JSON"]),
    .testTarget(
      name: "GatewayTests",
      dependencies: [
        "Gateway", "Dialects", "ModelServing", "ModelContext", "JSON", "DurableFiles",
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .testTarget(name: "EgressTests", dependencies: ["Egress"]),
    .testTarget(
      name: "MaslinTests", dependencies: ["maslin"]),
  ],
  swiftLanguageModes: [.v6]
)
