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
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.0"),
  ],
  targets: [
    // App
    .executableTarget(
      name: "maslin",
      dependencies: [
        "Auditing", "Bytecode", "Solidity", "SoliditySyntax",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/App/maslin"),

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
        "SoliditySyntax", "Solidity", "Bytecode", "Ethereum",
        .product(name: "BigInt", package: "BigInt"),
      ],
      path: "Sources/Audit/Auditing"),

    // Chain
    .target(name: "Ethereum", path: "Sources/Chain/Ethereum"),

    // Benchmarks
    .executableTarget(
      name: "AuditBenchmarks",
      dependencies: [
        "Auditing", "Solidity", "SoliditySyntax",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/AuditBenchmarks"),

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
      name: "AuditingTests", dependencies: ["Auditing", "Solidity", "SoliditySyntax"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "MaslinTests", dependencies: ["maslin"]),
  ],
  swiftLanguageModes: [.v6]
)
