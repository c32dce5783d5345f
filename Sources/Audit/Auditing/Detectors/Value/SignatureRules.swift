extension SignatureDetector {
  static let zero = Rule(
    id: "ecrecover-zero",
    title: "A malformed signature recovers to the zero address",
    severity: .medium, confidence: .medium, category: .signatures,
    summary: """
      The result of `ecrecover` is trusted without excluding the zero address, and what it is held \
      against can be zero.
      """,
    why: "Anyone can make a signature that recovers to zero.",
    howToFix: "Require that the recovered address is not zero.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Claims {
        mapping(uint256 => address) public signerOf;
        mapping(uint256 => bool) public done;

        function claim(uint256 id, uint8 v, bytes32 r, bytes32 s) external {
          require(!done[id], "done");
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, id));
          require(ecrecover(digest, v, r, s) == signerOf[id], "not signed");
          done[id] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Claims {
        mapping(uint256 => address) public signerOf;
        mapping(uint256 => bool) public done;

        function claim(uint256 id, uint8 v, bytes32 r, bytes32 s) external {
          require(!done[id], "done");
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, id));
          address signer = ecrecover(digest, v, r, s);
          require(signer != address(0) && signer == signerOf[id], "not signed");
          done[id] = true;
        }
      }
      """,
    references: [.swc(122), .cwe(347)])

  static let malleable = Rule(
    id: "signature-malleability",
    title: "A second valid signature can be made from a given one",
    severity: .high, confidence: .medium, category: .signatures,
    summary: """
      `s` is not limited to the lower half of the curve order before `ecrecover`. High where used \
      signatures are remembered by their own bytes, else informational.
      """,
    why: "Flipping `s` and `v` gives another signature that passes where the first was used up.",
    howToFix: """
      Remember messages or nonces instead of signatures, and refuse `s` above half of the order, as \
      OpenZeppelin's ECDSA does.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Once {
        address immutable signer = msg.sender;
        mapping(bytes32 => bool) public used;
        uint256 public count;

        function act(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 key = keccak256(abi.encode(v, r, s));
          require(!used[key], "used");
          require(ecrecover(digest, v, r, s) == signer, "not signed");
          used[key] = true;
          count += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Once {
        address immutable signer = msg.sender;
        mapping(bytes32 => bool) public used;
        uint256 public count;

        function act(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          require(!used[digest], "used");
          require(ecrecover(digest, v, r, s) == signer, "not signed");
          used[digest] = true;
          count += 1;
        }
      }
      """,
    references: [.swc(117), .cwe(347)])

  static let replay = Rule(
    id: "signature-replay",
    title: "A signature can be used again",
    severity: .high, confidence: .medium, category: .signatures,
    summary: """
      A function acts on a signature and changes nothing that the signed message, or the decision to \
      accept it, depends on.
      """,
    why: "Whoever saw the signature can repeat the action.",
    howToFix: "Sign a nonce and count it up, or mark the message as used.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Escrow {
        address immutable signer = msg.sender;
        mapping(address => uint256) public paid;

        function pay(address to, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, to, amount));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          paid[to] += amount;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Escrow {
        address immutable signer = msg.sender;
        mapping(address => uint256) public paid;
        mapping(address => uint256) public nonces;

        function pay(address to, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 digest =
            keccak256(abi.encode(address(this), block.chainid, to, amount, nonces[to]++));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          paid[to] += amount;
        }
      }
      """,
    references: [.swc(121), .cwe(294)])

  static let domain = Rule(
    id: "signature-without-domain",
    title: "A signature is valid for other contracts and chains",
    severity: .low, confidence: .medium, category: .signatures,
    summary: """
      The signed message contains neither the contract's address nor the chain's number nor a stored \
      domain separator.
      """,
    why: "A signature meant for another deployment of the same code is accepted here.",
    howToFix: "Sign an EIP-712 message whose domain names chain and contract.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Votes {
        address immutable signer = msg.sender;
        mapping(uint256 => bool) public used;

        function vote(uint256 nonce, uint8 v, bytes32 r, bytes32 s) external {
          require(!used[nonce], "used");
          address recovered = ecrecover(keccak256(abi.encode(nonce)), v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          used[nonce] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Votes {
        address immutable signer = msg.sender;
        mapping(uint256 => bool) public used;

        function vote(uint256 nonce, uint8 v, bytes32 r, bytes32 s) external {
          require(!used[nonce], "used");
          bytes32 digest = keccak256(abi.encode(block.chainid, address(this), nonce));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          used[nonce] = true;
        }
      }
      """,
    references: [.swc(121), .cwe(347), .eip(712)])

  static let packed = Rule(
    id: "encode-packed-collision",
    title: "Different values can have the same packed encoding",
    severity: .medium, confidence: .high, category: .signatures,
    summary: """
      `abi.encodePacked` is hashed with two neighbouring arguments of dynamic length that the caller \
      supplies.
      """,
    why:
      "`(\"ab\", \"c\")` and `(\"a\", \"bc\")` give the same bytes, so a hash or signature of one fits the other.",
    howToFix: "Use `abi.encode`, or put a value of fixed length in between.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Names {
        mapping(bytes32 => address) public owner;
        function take(string calldata first, string calldata last) external {
          bytes32 key = keccak256(abi.encodePacked(first, last));
          require(owner[key] == address(0), "taken");
          owner[key] = msg.sender;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Names {
        mapping(bytes32 => address) public owner;
        function take(string calldata first, string calldata last) external {
          bytes32 key = keccak256(abi.encode(first, last));
          require(owner[key] == address(0), "taken");
          owner[key] = msg.sender;
        }
      }
      """,
    references: [.swc(133), .cwe(294)])
}
