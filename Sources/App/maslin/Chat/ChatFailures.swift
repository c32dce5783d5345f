import Egress
import ModelContext
import ModelServing

extension ServiceError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .invalid, .unsupported, .unknownModel: .usage
    case .contextExceeded: .badInput
    case .overloaded, .shuttingDown, .failed: .environment
    }
  }
  var message: String { description }
}

extension EgressError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .refused: .refused
    case .unreachable, .replyTooLarge: .environment
    }
  }
  var message: String { description }
}

extension ServerListError: EngineFailure {
  var exitStatus: ExitStatus { .badInput }
  var message: String { description }
}
