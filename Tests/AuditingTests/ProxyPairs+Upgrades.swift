extension ProxyMistake {
  static let initialization: [ProxyMistake] = [
    ProxyMistake(
      "an implementation left to be taken and destroyed", "uninitialized-implementation",
      """
      contract OnceOnly {
        uint8 private stage;
        modifier once() { require(stage == 0); stage = 1; _; }
        function _close() internal { stage = 255; }
      }
      contract Motor is OnceOnly {
        address public driver;
        constructor() {}
        function begin() external once { driver = msg.sender; }
        function swap(address part, bytes calldata input) external {
          require(msg.sender == driver);
          (bool ok, ) = part.delegatecall(input);
          require(ok);
        }
      }
      """,
      repair: [("constructor() {}", "constructor() { _close(); }")]),
    ProxyMistake(
      "an owner anyone can set again", "initializer-repeatable",
      """
      contract Chest {
        mapping(address => uint256) private rank;
        uint256 public holders;
        function arrange(address[] memory who) public {
          holders = who.length;
          rank[msg.sender] = 1;
          for (uint256 i = 0; i < who.length; i++) rank[who[i]] = 2 + i;
        }
        function empty(address payable to) external {
          require(rank[msg.sender] > 0);
          to.transfer(address(this).balance);
        }
      }
      contract Lid {
        address private immutable chest;
        constructor(address chest_) { chest = chest_; }
        fallback() external payable { address to = chest; FORWARD<to> }
      }
      """,
      repair: [("public {\n    holders", "public {\n    require(holders == 0);\n    holders")]),
    ProxyMistake(
      "a fee only the implementation knows", "constructor-effect-lost",
      """
      contract Toll {
        uint256 private fee;
        address public owner;
        constructor() { fee = 3; }
        function begin(address owner_) external { require(owner == address(0)); owner = owner_; }
        function pay() external payable { require(msg.value >= fee); }
      }
      contract Gate {
        address private immutable code;
        constructor(address code_) { code = code_; }
        fallback() external payable { address to = code; FORWARD<to> }
      }
      contract Road {
        function build() external returns (address) {
          Gate gate = new Gate(address(new Toll()));
          Toll(address(gate)).begin(msg.sender);
          return address(gate);
        }
      }
      """,
      repair: [("owner = owner_; }", "owner = owner_; fee = 3; }")]),
    ProxyMistake(
      "a clone nobody initialises", "initializer-front-run",
      """
      contract Room {
        address public tenant;
        uint256 public rent;
        function enter(address tenant_, uint256 rent_) external {
          require(tenant == address(0));
          tenant = tenant_;
          rent = rent_;
        }
      }
      library Copies {
        function copy(address implementation) internal returns (address instance) {
          assembly {
            mstore(0x00, or(shr(0xe8, shl(0x60, implementation)), 0x3d602d80600a3d3981f3363d3d373d3d3d363d73000000))
            mstore(0x20, or(shl(0x78, implementation), 0x5af43d82803e903d91602b57fd5bf3))
            instance := create(0, 0x09, 0x37)
          }
          require(instance != address(0));
        }
      }
      contract House {
        Room private immutable plan = new Room();
        mapping(uint256 => address) public rooms;
        function add(uint256 number) external {
          address room = Copies.copy(address(plan));
          rooms[number] = room;
        }
      }
      """,
      repair: [
        ("rooms[number] = room;", "rooms[number] = room;\n    Room(room).enter(msg.sender, 5);")
      ]),
    ProxyMistake(
      "an account anyone sets up first", "initializer-front-run",
      """
      contract Hand {
        /// @custom:storage-location erc7201:example.hand
        struct State { address helper; uint256 limit; }
        function state() private pure returns (State storage s) {
          bytes32 place = keccak256(abi.encode(uint256(keccak256("example.hand")) - 1)) & ~bytes32(uint256(0xff));
          assembly { s.slot := place }
        }
        function begin(address helper, uint256 limit) external {
          require(state().helper == address(0));
          state().helper = helper;
          state().limit = limit;
        }
        function execute(address to, bytes calldata input) external {
          require(msg.sender == address(this) || msg.sender == state().helper);
          (bool ok, ) = to.call(input);
          require(ok);
        }
      }
      """,
      repair: [
        (
          "require(state().helper == address(0));",
          "require(msg.sender == address(this));\n    require(state().helper == address(0));"
        )
      ]),
    ProxyMistake(
      "a version used twice", "reinitializer-version",
      """
      contract Stages {
        uint64 private reached;
        modifier stage(uint64 next) { require(reached < next); reached = next; _; }
      }
      contract Play is Stages {
        address public lead;
        address public second;
        constructor() stage(100) {}
        function one(address who) external stage(2) { lead = who; }
        function two(address who) external stage(2) { second = who; }
      }
      """,
      repair: [("external stage(2) { second", "external stage(3) { second")]),
  ]

  static let upgrades: [ProxyMistake] = [
    ProxyMistake(
      "a variable put in front of the others", "upgrade-storage-change",
      """
      contract Portal {
        bytes32 private constant PLACE = \(slot);
        address private immutable keeper = msg.sender;
        constructor(address to) { assembly { sstore(PLACE, to) } }
        function point(address to) external {
          require(msg.sender == keeper);
          assembly { sstore(PLACE, to) }
        }
        fallback() external payable { FORWARD<sload(PLACE)> }
      }
      contract Farm {
        address public farmer;
        uint128 public cows;
        uint128 public sheep;
        function begin(address farmer_) external { require(farmer == address(0)); farmer = farmer_; }
        function breed() external { require(msg.sender == farmer); cows++; sheep++; }
      }
      contract Ranch {
        uint128 public horses;
        address public farmer;
        uint128 public cows;
        uint128 public sheep;
        function begin(address farmer_) external { require(farmer == address(0)); farmer = farmer_; }
        function breed() external { require(msg.sender == farmer); cows++; sheep++; horses++; }
      }
      contract Season {
        function turn() external returns (address) {
          Portal portal = new Portal(address(new Farm()));
          Farm(address(portal)).begin(msg.sender);
          portal.point(address(new Ranch()));
          return address(portal);
        }
      }
      """,
      repair: [
        ("  uint128 public horses;\n  address public farmer;", "  address public farmer;"),
        (
          "uint128 public sheep;\n  function begin(address farmer_) external { require(farmer == address(0)); farmer = farmer_; }\n  function breed() external { require(msg.sender == farmer); cows++; sheep++; horses++; }",
          "uint128 public sheep;\n  uint128 public horses;\n  function begin(address farmer_) external { require(farmer == address(0)); farmer = farmer_; }\n  function breed() external { require(msg.sender == farmer); cows++; sheep++; horses++; }"
        ),
      ]),
    ProxyMistake(
      "facets anyone can add", "unprotected-upgrade",
      """
      library Table {
        struct Rows { mapping(bytes4 => address) row; address boss; }
        bytes32 private constant PLACE = keccak256("example.table");
        function rows() internal pure returns (Rows storage r) {
          bytes32 place = PLACE;
          assembly { r.slot := place }
        }
      }
      contract Gem {
        constructor(bytes4 selector, address facet) {
          Table.rows().row[selector] = facet;
          Table.rows().boss = msg.sender;
        }
        fallback() external payable {
          address facet = Table.rows().row[msg.sig];
          require(facet.code.length > 0);
          FORWARD<facet>
        }
      }
      contract Cutter {
        function cut(bytes4[] calldata selectors, address facet) external {
          for (uint256 i = 0; i < selectors.length; i++) Table.rows().row[selectors[i]] = facet;
        }
      }
      """,
      repair: [
        (
          "external {\n    for",
          "external {\n    require(msg.sender == Table.rows().boss);\n    for"
        )
      ]),
    ProxyMistake(
      "an upgrade that trusts the origin", "unprotected-upgrade",
      """
      contract Kite {
        address private wind;
        address private child = msg.sender;
        constructor(address wind_) { require(wind_.code.length > 0); wind = wind_; }
        function turn(address wind_) external {
          require(wind_.code.length > 0 && tx.origin != address(0));
          wind = wind_;
        }
        fallback() external payable { address to = wind; FORWARD<to> }
      }
      """,
      repair: [("tx.origin != address(0)", "msg.sender == child")]),
    ProxyMistake(
      "an owner check anyone can satisfy", "unprotected-upgrade",
      """
      contract Mill {
        address private wheel;
        address private miller;
        constructor(address wheel_) { require(wheel_.code.length > 0); wheel = wheel_; miller = msg.sender; }
        function hire(address miller_) external { miller = miller_; }
        function repair(address wheel_) external {
          require(msg.sender == miller && wheel_.code.length > 0);
          wheel = wheel_;
        }
        fallback() external payable { address to = wheel; FORWARD<to> }
      }
      """,
      repair: [("external { miller =", "external { require(msg.sender == miller); miller =")]),
    ProxyMistake(
      "a permission hook that checks nothing", "unprotected-upgrade",
      """
      interface Answers { function proxiableUUID() external view returns (bytes32); }
      abstract contract Self {
        bytes32 internal constant PLACE = \(slot);
        address private immutable self = address(this);
        function proxiableUUID() external view virtual returns (bytes32) {
          require(address(this) == self);
          return PLACE;
        }
        function upgradeTo(address next) external virtual {
          require(address(this) != self);
          _allow(next);
          require(Answers(next).proxiableUUID() == PLACE);
          assembly { sstore(PLACE, next) }
        }
        function _allow(address next) internal virtual;
      }
      contract Ship is Self {
        address public captain;
        constructor() { captain = msg.sender; }
        function _allow(address) internal override {}
      }
      """,
      repair: [("override {}", "override { require(msg.sender == captain); }")]),
    ProxyMistake(
      "a beacon anyone can turn", "unprotected-upgrade",
      """
      contract Tower {
        address private boss = msg.sender;
        address private light;
        constructor(address light_) { require(light_.code.length > 0); light = light_; }
        function implementation() external view returns (address) { return light; }
        function turn(address light_) external { require(light_.code.length > 0); light = light_; }
      }
      """,
      repair: [
        ("external { require(light_", "external { require(msg.sender == boss); require(light_")
      ]),
    ProxyMistake(
      "a successor that cannot upgrade", "uups-bricking",
      """
      contract FirstBox {
        bytes32 private constant PLACE = \(slot);
        address public owner;
        uint256 public size;
        function grow(uint256 by) external { size += by; }
        function change(address next) public virtual {
          require(msg.sender == owner);
          assembly { sstore(PLACE, next) }
        }
      }
      contract SecondBox {
        address public owner;
        uint256 public size;
        function grow(uint256 by) external { size += 2 * by; }
      }
      """,
      repair: [
        (
          "contract SecondBox {",
          "contract SecondBox {\n  function change(address next) public { require(msg.sender == owner); assembly { sstore(\(slot), next) } }"
        )
      ]),
    ProxyMistake(
      "an answer that names another slot", "uups-bricking",
      """
      contract Note {
        bytes32 private constant PLACE = \(slot);
        address private owner;
        function proxiableUUID() external pure returns (bytes32) { return keccak256("PROXIABLE"); }
        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(PLACE, next) }
        }
      }
      """,
      repair: [("return keccak256(\"PROXIABLE\");", "return PLACE;")]),
    ProxyMistake(
      "a door with another's number", "proxy-selector-clash",
      """
      contract Coin {
        mapping(address => uint256) private held;
        function burn(uint256 amount) external { held[msg.sender] -= amount; }
      }
      contract Door {
        address private immutable room;
        constructor(address room_) { room = room_; }
        function collate_propagate_storage(bytes16) external { payable(msg.sender).transfer(1); }
        fallback() external payable { address to = room; FORWARD<to> }
      }
      contract Maker {
        function make() external returns (address) { return address(new Door(address(new Coin()))); }
      }
      """,
      repair: [("collate_propagate_storage", "collateStorage")]),
    ProxyMistake(
      "a setter that hides the implementation's", "proxy-shadows-function",
      """
      contract Coin {
        address private minter;
        function setMinter(address minter_) external { require(minter == address(0)); minter = minter_; }
      }
      contract Door {
        address private immutable room;
        constructor(address room_) { room = room_; }
        function setMinter(address) external view { require(msg.sender == room); }
        fallback() external payable { address to = room; FORWARD<to> }
      }
      contract Maker {
        function make() external returns (address) { return address(new Door(address(new Coin()))); }
      }
      """,
      repair: [
        ("function setMinter(address) external view", "function setDoor(address) external view")
      ]),
    ProxyMistake(
      "a namespace at another's place", "namespace-slot-mismatch",
      """
      contract Till {
        /// @custom:storage-location erc7201:example.till
        struct Drawer { uint256 coins; }
        function drawer() private pure returns (Drawer storage d) {
          bytes32 place = keccak256(abi.encode(uint256(keccak256("example.other")) - 1)) & ~bytes32(uint256(0xff));
          assembly { d.slot := place }
        }
        function put(uint256 coins) external { drawer().coins += coins; }
      }
      """,
      repair: [("example.other", "example.till")]),
    ProxyMistake(
      "two account delegates in one place", "account-delegate-storage",
      """
      contract LeftHand {
        uint256 public count;
        function execute(address to, bytes calldata input) external {
          require(msg.sender == address(this));
          count++;
          (bool ok, ) = to.call(input);
          require(ok);
        }
      }
      contract RightHand {
        address public friend;
        function execute(address to, bytes calldata input) external {
          require(msg.sender == address(this));
          friend = to;
          (bool ok, ) = to.call(input);
          require(ok);
        }
      }
      """,
      repair: [
        ("uint256 public count;", "uint256 private constant count = 1;"), ("count++;", ""),
        ("address public friend;", "event Friend(address friend);"),
        ("friend = to;", "emit Friend(to);"),
      ]),
  ]
}
