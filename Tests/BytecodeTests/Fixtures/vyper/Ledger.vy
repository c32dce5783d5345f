# @version VERSION
# Written for these tests; see README.md in this folder.

owner: public(address)
balances: public(HashMap[address, uint256])
allowances: HashMap[address, HashMap[address, uint256]]
total: uint256
values: uint256[4]


DEPLOY
def __init__():
    self.owner = msg.sender


@external
@payable
def deposit():
    self.balances[msg.sender] += msg.value


@external
def approve(spender: address, amount: uint256):
    assert msg.sender == self.owner
    self.allowances[msg.sender][spender] = amount


@view
@external
def pick(index: uint256) -> uint256:
    return self.values[index]

@external
def set_alpha(amount: uint256) -> uint256:
    self.total = amount + 0
    return self.total


@external
def set_beta(amount: uint256) -> uint256:
    self.total = amount + 1
    return self.total


@external
def set_gamma(amount: uint256) -> uint256:
    self.total = amount + 2
    return self.total


@external
def set_delta(amount: uint256) -> uint256:
    self.total = amount + 3
    return self.total


@external
def set_epsilon(amount: uint256) -> uint256:
    self.total = amount + 4
    return self.total


@external
def set_zeta(amount: uint256) -> uint256:
    self.total = amount + 5
    return self.total


@external
def set_eta(amount: uint256) -> uint256:
    self.total = amount + 6
    return self.total


@external
def set_theta(amount: uint256) -> uint256:
    self.total = amount + 7
    return self.total


@external
def set_iota(amount: uint256) -> uint256:
    self.total = amount + 8
    return self.total


@external
def set_kappa(amount: uint256) -> uint256:
    self.total = amount + 9
    return self.total


@external
def set_lambda_(amount: uint256) -> uint256:
    self.total = amount + 10
    return self.total


@external
def set_mu(amount: uint256) -> uint256:
    self.total = amount + 11
    return self.total


@external
def set_nu(amount: uint256) -> uint256:
    self.total = amount + 12
    return self.total


@external
def set_xi(amount: uint256) -> uint256:
    self.total = amount + 13
    return self.total


@external
def set_omicron(amount: uint256) -> uint256:
    self.total = amount + 14
    return self.total


@external
@payable
def __default__():
    pass
