pragma solidity ^0.4.24;

contract Owned {
    address owner;
    uint count;
    address[] list;
    struct Part { uint share; bool used; }
    mapping (address => Part) parts;

    function Owned() public { owner = msg.sender; }
    modifier mine { if (msg.sender != owner) throw; _; }

    function pay(address to, uint amount) public mine {
        if (!to.call.value(amount).gas(10000)()) revert();
        to.transfer(1 wei);
        to.send(2);
        var (a, b) = pair(amount);
        count = a + b;
    }

    function pair(uint x) internal returns (uint, uint) { return (x, x - 1); }

    function grow(uint n) public returns (uint) {
        for (var i = 0; i < 10; i++) { list.push(msg.sender); }
        list.length--;
        Part storage p = parts[msg.sender];
        p.share += n;
        p.used = true;
        delete parts[list[0]];
        return now + uint(block.blockhash(block.number - 1));
    }

    function end() public mine { suicide(owner); }

    function size(address a) public constant returns (uint s) { assembly { s := extcodesize(a) } }

    function () public payable { count += msg.value; }
}
