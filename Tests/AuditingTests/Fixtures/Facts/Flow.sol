// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

interface Feed {
    function latest(uint256 id) external view returns (int256 price, uint256 time);
    function push(uint256 id, int256 price) external returns (bool);
}

error TooLow(uint256 wanted, uint256 found);

function clamp(uint256 x, uint256 low, uint256 high) pure returns (uint256) {
    if (x < low) return low;
    return x > high ? high : x;
}

library Queue {
    struct Line {
        uint256[] items;
        uint256 first;
        mapping(uint256 => bool) seen;
    }

    function add(Line storage line, uint256 item) internal returns (bool) {
        if (line.seen[item]) return false;
        line.seen[item] = true;
        line.items.push(item);
        return true;
    }

    function take(Line storage line) internal returns (uint256 item) {
        require(line.first < line.items.length, "empty");
        item = line.items[line.first++];
        delete line.seen[item];
    }
}

contract Flow {
    using Queue for Queue.Line;

    enum Stage { Open, Closed, Done }
    struct Order { address maker; uint128 amount; uint64[] parts; Stage stage; }

    Queue.Line private line;
    mapping(uint256 => Order) public orders;
    Feed public immutable feed;
    uint256 internal total;
    Stage stage;
    uint256 constant LIMIT = 10 ** 18;
    event Changed(uint256 indexed id, Stage stage);

    constructor(Feed f) { feed = f; }

    modifier inStage(Stage wanted) {
        if (stage != wanted) revert TooLow(uint256(wanted), uint256(stage));
        _;
    }

    modifier twice() { _; _; }

    function make(uint256 id, uint128 amount, uint64[] calldata parts)
        external inStage(Stage.Open) inStage(Stage.Open) returns (Order memory made)
    {
        Order storage order = orders[id];
        order.maker = msg.sender;
        (order.amount, made.amount) = (amount, amount + 1);
        for (uint256 i; i < parts.length; ++i) {
            if (parts[i] == 0) continue;
            if (parts[i] > 100) break;
            order.parts.push(parts[i]);
            unchecked { total += parts[i]; }
        }
        made.parts = parts;
        emit Changed(id, order.stage);
        return made;
    }

    function walk(uint256 n) public returns (uint256 sum, bool odd) {
        do {
            sum += n;
            n--;
            while (n > 3 && line.add(n)) { n /= 2; if (n == 2) return (sum, true); }
        } while (n != 0);
        odd = sum % 2 == 1 || clamp(sum, 1, LIMIT) == 7;
    }

    function ask(uint256 id) external returns (int256) {
        try feed.latest(id) returns (int256 price, uint256 time) {
            if (time + 1 hours < block.timestamp) return 0;
            return price;
        } catch Error(string memory reason) {
            require(bytes(reason).length == 0, reason);
        } catch Panic(uint256 code) {
            total = code;
        } catch (bytes memory data) {
            return int256(data.length);
        }
        return -1;
    }

    function bump() external twice { total++; }

    function pack(bytes calldata data, string memory name) external view returns (bytes32) {
        (uint256 a, address b) = abi.decode(data[4:], (uint256, address));
        bytes32 h = keccak256(abi.encodePacked(name, a, b, address(this).balance));
        return a > 5 ? h : bytes32(uint256(h) >> (a * 8));
    }

    function pay(address payable to, uint256 amount) external {
        (bool ok, bytes memory data) = to.call{value: amount, gas: 5000}("");
        if (!ok) { assembly { revert(add(data, 32), mload(data)) } }
        Flow made = new Flow{salt: bytes32(amount)}(feed);
        made.bump();
        function (uint256) internal returns (uint256, bool) next = walk;
        next(amount);
    }

    receive() external payable { total += msg.value; }
    fallback(bytes calldata input) external returns (bytes memory) { return input; }
}
