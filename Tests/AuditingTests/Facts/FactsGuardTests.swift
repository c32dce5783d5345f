import Auditing
import Solidity
import SoliditySyntax
import Testing

@Suite("Guards")
struct FactsGuardTests {
  /// One way to guard a write of `value`, and what is to be found out about it.
  struct Sample: CustomStringConvertible, Sendable {
    let name: String
    /// What stands in the contract beside the function.
    var members = ""
    var parameters = ""
    var modifiers = ""
    /// What stands before the write.
    var before = ""
    /// The predicates found, by name, in order.
    let predicates: [String]
    let restricts: Bool
    var description: String { name }
  }

  static let samples: [Sample] = [
    Sample(name: "none", predicates: [], restricts: false),
    Sample(
      name: "modifier", members: "modifier only() { require(msg.sender == owner); _; }",
      modifiers: "only", predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "modifier that checks afterwards",
      members: "modifier only() { _; require(msg.sender == owner); }", modifiers: "only",
      predicates: [], restricts: false),
    Sample(
      name: "require", before: "require(owner == msg.sender, \"no\");",
      predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "custom error", members: "error No(address);",
      before: "if (msg.sender != owner) revert No(msg.sender);",
      predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "helper that reverts", members: "function no() private pure { revert(\"no\"); }",
      before: "if (msg.sender != owner) no();", predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "called check",
      members: """
        function me() internal view returns (address) { return msg.sender; }
        function holder() public view returns (address) { return owner; }
        function check() internal view { if (holder() != me()) revert(); }
        modifier only() { check(); _; }
        """, modifiers: "only", predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "check called too late",
      members: "function check() internal view { require(msg.sender == owner); }",
      before: "if (value > 3) check();", predicates: [], restricts: false),
    Sample(
      name: "boolean helper",
      members: "function ok() internal view returns (bool) { "
        + "if (msg.sender == owner) return true; return allowed[msg.sender]; }",
      before: "require(ok());",
      predicates: ["any(sender is owner, all(member of allowed, exclusion))"],
      restricts: true),
    Sample(
      name: "role",
      members: """
        struct Role { mapping(address => bool) has; bytes32 admin; }
        mapping(bytes32 => Role) roles;
        bytes32 constant KEEPER = keccak256("KEEPER");
        function has(bytes32 role, address who) public view virtual returns (bool) {
          return roles[role].has[who];
        }
        modifier only(bytes32 role) { if (!has(role, msg.sender)) { revert(); } _; }
        """, modifiers: "only(KEEPER)", predicates: ["member of roles.has"], restricts: true),
    Sample(
      name: "ward", members: "mapping(address => uint) wards;",
      before: "require(wards[msg.sender] == 1);", predicates: ["member of wards"], restricts: true),
    Sample(
      name: "bits", members: "mapping(address => uint) bits;",
      before: "require(bits[msg.sender] & 4 != 0);", predicates: ["member of bits"],
      restricts: true),
    Sample(
      name: "balance", members: "mapping(address => uint) balances;", parameters: "uint amount",
      before: "require(balances[msg.sender] >= amount);", predicates: ["amount in balances"],
      restricts: false),
    Sample(
      name: "not the zero address", before: "require(msg.sender != address(0));",
      predicates: ["exclusion"], restricts: false),
    Sample(
      name: "deny list", before: "require(!allowed[msg.sender]);", predicates: ["exclusion"],
      restricts: false),
    Sample(
      name: "own things", parameters: "address from", before: "require(from == msg.sender);",
      predicates: ["sender is input"], restricts: false),
    Sample(
      name: "no contract", before: "require(tx.origin == msg.sender);",
      predicates: ["sender is origin"], restricts: false),
    Sample(
      name: "origin", before: "require(tx.origin == owner);", predicates: ["origin"],
      restricts: true),
    Sample(
      name: "self", before: "require(msg.sender == address(this));",
      predicates: ["sender is this"], restricts: true),
    Sample(
      name: "immutable", members: "address immutable boss = msg.sender;",
      before: "assert(msg.sender == boss);", predicates: ["sender is boss"], restricts: true),
    Sample(
      name: "constant",
      members: "address constant boss = 0x00000000000000000000000000000000DeaDBeef;",
      before: "require(boss == msg.sender);", predicates: ["sender is constant"], restricts: true),
    Sample(
      name: "and", before: "require(value < 5 && msg.sender == owner);",
      predicates: ["all(<, sender is owner)"], restricts: true),
    Sample(
      name: "either of two", before: "require(msg.sender == owner || allowed[msg.sender]);",
      predicates: ["any(sender is owner, member of allowed)"], restricts: true),
    Sample(
      name: "either of which one is open", before: "require(msg.sender == owner || value == 0);",
      predicates: ["any(sender is owner, ==)"], restricts: false),
    Sample(
      name: "negated or", before: "if (value == 0 || msg.sender != owner) revert();",
      predicates: ["all(!=, sender is owner)"], restricts: true),
    Sample(
      name: "ways that join",
      before: "if (msg.sender != owner) { require(allowed[msg.sender]); }",
      predicates: ["any(sender is owner, all(exclusion, member of allowed))"], restricts: true),
    Sample(
      name: "ways that join, one open",
      before: "if (value == 0) { require(allowed[msg.sender]); }", predicates: [],
      restricts: false),
    Sample(
      name: "early return", before: "if (msg.sender != owner) return;",
      predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "authority",
      members: "interface_ auth;", before: "require(auth.may(msg.sender));",
      predicates: ["authority"], restricts: true),
    Sample(
      name: "authority the caller names", parameters: "interface_ who",
      before: "require(who.may(msg.sender));", predicates: ["truth true"], restricts: false),
    Sample(
      name: "transfer from the caller", members: "interface_ token;",
      before: "require(token.pull(msg.sender));", predicates: ["truth true"], restricts: false),
    Sample(
      name: "owner of a thing", members: "interface_ things;", parameters: "uint id",
      before: "require(things.ownerOf(id) == msg.sender);",
      predicates: ["sender is call result"], restricts: true),
    Sample(
      name: "assembly",
      before: "assembly { if iszero(eq(caller(), sload(owner.slot))) { revert(0, 0) } }",
      predicates: ["sender is owner"], restricts: true),
    Sample(
      name: "flag", members: "bool started;", before: "require(!started);",
      predicates: ["started is false"], restricts: false),
    Sample(
      name: "signature", parameters: "bytes32 h, uint8 v, bytes32 r, bytes32 s",
      before: "require(ecrecover(h, v, r, s) == owner);", predicates: ["signature"],
      restricts: true),
    Sample(
      name: "signature of oneself",
      parameters: "address who, bytes32 h, uint8 v, bytes32 r, bytes32 s",
      before: "require(ecrecover(h, v, r, s) == who);", predicates: ["own signature"],
      restricts: false),
    Sample(
      name: "signatures in a loop",
      parameters: "bytes32 h, uint8[] calldata v, bytes32[] calldata r, bytes32[] calldata s",
      before: """
        for (uint i = 0; i < v.length; i++) { require(allowed[ecrecover(h, v[i], r[i], s[i])]); }
        """, predicates: ["signature", ">="], restricts: true),
    Sample(
      name: "hook that is constant here",
      members: """
        function open() internal pure virtual returns (bool) { return false; }
        modifier only() { if (!open()) require(msg.sender == owner); _; }
        """, modifiers: "only", predicates: ["sender is owner"], restricts: true),
  ]

  @Test("What a guard says is found out", arguments: samples)
  func classify(_ sample: Sample) throws {
    let fixture = FactsFixture(
      """
      interface interface_ {
        function may(address who) external view returns (bool);
        function pull(address who) external returns (bool);
        function ownerOf(uint id) external view returns (address);
      }
      contract C {
        address owner;
        mapping(address => bool) allowed;
        uint value;
        \(sample.members)
        function f(\(sample.parameters)) external \(sample.modifiers) {
          \(sample.before)
          value = 1;
        }
      }
      """)
    #expect(fixture.unit.diagnostics.isEmpty)
    #expect(fixture.program.diagnostics.isEmpty)
    let entry = try fixture.entry("C", "f")
    let write = try entry.write("value")
    let guards = entry.guards(of: write.place)
    let graph = try fixture.graph("f")
    #expect(guards.map(\.predicate.name) == sample.predicates, "\(graph)")
    #expect(entry.isRestricted(write.place) == sample.restricts)
    #expect(entry.isRestricted == sample.restricts)
  }

  @Test("The modifier and the functions of the most derived contract count")
  func overrides() throws {
    let fixture = FactsFixture(bytes: try FactsLawTests.bytes("Inheritance"))
    let bottom = try fixture.contract("Bottom")
    func entry(_ name: String) throws -> EntryPoint {
      try #require(bottom.entryPoints.first { $0.name == name })
    }
    // `only` of Bottom checks nothing before the body.
    let trust = try entry("trust")
    #expect(try !trust.isRestricted(trust.write("trusted").place))
    // The chain of `super`: Bottom, Right, Left, Root; the last adds to `counter`.
    let run = try entry("run")
    let path = run.callPath(to: try run.write("counter").place)
    let names = path.map { place -> String in
      guard let frame = run[place.frame].callee(at: place.value),
        let function = run[frame].graph.function
      else { return "?" }
      return (fixture.program.contract(containing: function)?.name ?? "") + "." + function.name
    }
    #expect(names == ["Bottom.hook", "Right.hook", "Left.hook", "Root.hook"])
    #expect(try run.guards(of: run.write("counter").place).map(\.predicate.name) == [">"])

    let right = try fixture.contract("Right")
    let own = try #require(right.entryPoints.first { $0.name == "trust" })
    #expect(
      try own.guards(of: own.write("trusted").place).map(\.predicate.name) == ["member of trusted"])
    let inherited = try #require(right.entryPoints.first { $0.name == "run" })
    let write = try inherited.write("counter")
    #expect(inherited.guards(of: write.place).map(\.predicate.name) == ["member of trusted", ">"])
  }

  @Test("Locks are seen where they hold")
  func locks() throws {
    let fixture = FactsFixture(
      """
      contract C {
        uint status = 1; uint value; bool entered;
        modifier lock() { _before(); _; status = 1; }
        function _before() private { require(status != 2); status = 2; }
        function a() external lock { value = 1; }
        function b() external { require(status != 2); value = 2; }
        function c() external { status = 2; value = 3; status = 1; }
        function d() external { require(!entered); entered = true; value = 4; entered = false; }
        function e() external { require(!entered); entered = false; value = 5; }
      }
      """)
    let contract = try fixture.contract("C")
    let locked = try contract.entryPoints.filter { entry in
      entry.lock(at: try entry.write("value").place) != nil
    }
    #expect(locked.map(\.name) == ["a", "d"])
    #expect(contract.reentrancyLocks.map { $0.variable?.name } == ["status", "entered"])
  }

  @Test("A check that callers can make themselves pass protects nothing")
  func openChecks() throws {
    let fixture = FactsFixture(
      """
      contract C {
        mapping(address => bool) registered; mapping(address => bool) trusted;
        address owner; address boss; address keeper; uint8 version; bool done; uint value;
        function register() external { registered[msg.sender] = true; }
        function trust(address a) external { require(msg.sender == owner); trusted[a] = true; }
        function own() external { owner = msg.sender; }
        function first(address b) external { require(boss == address(0)); boss = b; }
        function setup(address k) external { require(version < 2); version = 2; keeper = k; }
        function a() external { require(registered[msg.sender]); value = 1; }
        function b() external { require(trusted[msg.sender]); value = 1; }
        function c() external { require(msg.sender == owner); value = 1; }
        function d() external { require(msg.sender == boss); value = 1; }
        function e() external { require(msg.sender == keeper); value = 1; }
        function f() external { require(msg.sender == boss || registered[msg.sender]); value = 1; }
      }
      """)
    let contract = try fixture.contract("C")
    let protected = try ["a", "b", "c", "d", "e", "f"].filter { name in
      let entry = try #require(contract.entryPoints.first { $0.name == name })
      let write = try entry.write("value")
      #expect(entry.isRestricted(write.place))
      return contract.isProtected(write.place, in: entry)
    }
    #expect(protected == ["b", "d", "e"])
  }

  @Test("Who can write what decides what an attacker controls")
  func attackerWritable() throws {
    let fixture = FactsFixture(
      """
      contract C {
        address owner; address target; address fixed_; uint count;
        function set(address t) external { require(msg.sender == owner); target = t; }
        function own(address o) external { owner = o; }
        function reset() external { fixed_ = address(1); count++; }
      }
      """)
    let contract = try fixture.contract("C")
    func isOpen(_ name: String) throws -> Bool {
      let variable = try #require(contract.contract.stateVariables.first { $0.name == name })
      let access = try #require(contract.writers(of: variable).first)
      return contract.isAttackerWritable(access.location.field)
    }
    #expect(try isOpen("owner"))
    #expect(try !isOpen("target"))
    #expect(try !isOpen("fixed_"))
    #expect(try !isOpen("count"))
  }
}
