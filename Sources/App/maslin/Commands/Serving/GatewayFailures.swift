import Gateway
import Workstation

extension GatewayError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .openToOthers: .refused
    case .addressInUse, .cannotListen: .environment
    }
  }
  var message: String { description }
}

extension TokenFileError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .file: .environment
    case .notPlain, .otherOwner, .readableByOthers: .refused
    case .noToken: .badInput
    }
  }
  var message: String { description }
}

extension ConfigurationError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .file: .environment
    case .content: .badInput
    case .variable, .option: .usage
    }
  }
  var message: String { description }
}
