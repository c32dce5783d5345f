import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which processors of the machine are worth computing on.
package struct ProcessorTopology {
  /// The logical processors this process may run on, ascending; empty where the system does not say.
  package var allowed: [Int]
  /// Of these, one for each physical core of the fastest kind.
  package var preferred: [Int]
  /// The number of threads to compute with: as many as preferred processors, less where a quota allows less.
  package var threads: Int

  /// Chooses among `allowed` processors.
  ///
  /// - Parameters:
  ///   - speeds: for each allowed processor its greatest clock rate, or its capacity; 0 where unknown.
  ///   - cores: for each allowed processor the number of its physical core; its own number where unknown.
  ///   - quota: the processor time granted, in processors; nil when there is no limit.
  package init(allowed: [Int], speeds: [Int], cores: [Int], quota: Double?) {
    self.allowed = allowed
    let fastest = speeds.max() ?? 0
    var seen: Set<Int> = []
    preferred = allowed.indices.compactMap { index in
      // Cores of one kind differ by a few percent, cores of another by a third and more.
      guard speeds[index] * 10 >= fastest * 8, seen.insert(cores[index]).inserted else {
        return nil
      }
      return allowed[index]
    }
    threads = max(preferred.count, 1)
    if let quota { threads = min(threads, max(Int(quota.rounded(.up)), 1)) }
  }
}

#if canImport(Darwin)
  extension ProcessorTopology {
    /// That of this machine.
    package static let current: ProcessorTopology = {
      var count: Int32 = 0
      var size = MemoryLayout<Int32>.size
      for name in ["hw.perflevel0.physicalcpu", "hw.physicalcpu"]
      where sysctlbyname(name, &count, &size, nil, 0) == 0 && count > 0 {
        break
      }
      let processors = Array(0..<max(Int(count), 1))
      return ProcessorTopology(
        allowed: processors, speeds: processors.map { _ in 0 }, cores: processors, quota: nil)
    }()

    /// Asks for the fast cores: macOS does not bind threads.
    static func restrictThread(to processors: [Int]) {
      pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0)
    }
  }
#else
  extension ProcessorTopology {
    /// That of this machine, as the process finds it.
    package static let current: ProcessorTopology = {
      let allowed = allowedProcessors()
      let devices = "/sys/devices/system/cpu"
      // Intel's hybrid processors list their fast cores; others say it by capacity or clock rate.
      let fast = text("/sys/devices/cpu_core/cpus").map(numbers)
      let speeds = allowed.map { processor in
        if let fast { return fast.contains(processor) ? 2 : 1 }
        let directory = "\(devices)/cpu\(processor)"
        return integer("\(directory)/cpu_capacity")
          ?? integer("\(directory)/cpufreq/cpuinfo_max_freq") ?? 0
      }
      let cores = allowed.map { processor in
        let siblings = text("\(devices)/cpu\(processor)/topology/thread_siblings_list")
        return siblings.flatMap { numbers($0).first } ?? processor
      }
      return ProcessorTopology(
        allowed: allowed, speeds: speeds, cores: cores, quota: processorQuota())
    }()

    /// Room for 4096 processors.
    private static let maskWords = 64

    /// Lets the calling thread run on these processors only; without effect where the system refuses.
    static func restrictThread(to processors: [Int]) {
      if processors.isEmpty { return }
      var words = [UInt64](repeating: 0, count: maskWords)
      for processor in processors { words[processor / 64] |= 1 << UInt64(processor % 64) }
      _ = maslin_restrict_thread(words, words.count)
    }

    private static func allowedProcessors() -> [Int] {
      var words = [UInt64](repeating: 0, count: maskWords)
      guard maslin_allowed_processors(&words, words.count) != 0 else {
        return Array(0..<max(min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), maskWords * 64), 1))
      }
      return (0..<maskWords * 64).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    }

    /// The smallest limit on processor time among the control groups this process is in.
    private static func processorQuota() -> Double? {
      var quotas: [Double] = []
      for line in (text("/proc/self/cgroup") ?? "").split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        let unified = fields[0] == "0"
        guard unified || fields[1].split(separator: ",").contains("cpu") else { continue }
        let root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"
        var path = fields[2][...]
        while true {
          quotas += unified ? unifiedQuota(root + path) : separateQuota(root + path)
          guard let slash = path.lastIndex(of: "/"), path.count > 1 else { break }
          path = path[..<slash]
        }
        quotas += unified ? unifiedQuota(root) : separateQuota(root)
      }
      return quotas.min()
    }

    /// `cpu.max`: microseconds granted (or `max`) in a period of microseconds.
    private static func unifiedQuota(_ directory: String) -> [Double] {
      let fields = (text("\(directory)/cpu.max") ?? "").split { $0 == " " || $0 == "\n" }
      guard fields.count == 2, let granted = Double(fields[0]), let period = Double(fields[1]),
        period > 0
      else { return [] }
      return [granted / period]
    }

    private static func separateQuota(_ directory: String) -> [Double] {
      guard let granted = integer("\(directory)/cpu.cfs_quota_us"), granted > 0,
        let period = integer("\(directory)/cpu.cfs_period_us"), period > 0
      else { return [] }
      return [Double(granted) / Double(period)]
    }

    private static func integer(_ path: String) -> Int? {
      text(path).flatMap { $0.split(separator: "\n").first }.flatMap { Int($0) }
    }

    /// The numbers of a list such as `0-3,8`.
    package static func numbers(_ list: String) -> [Int] {
      list.split { $0 == "," || $0 == "\n" }.flatMap { part -> [Int] in
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else {
          return []
        }
        return Array(first...last)
      }
    }

    /// The first 4 KiB of a file of the system.
    private static func text(_ path: String) -> String? {
      let file = open(path, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { return nil }
      defer { close(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(file, &bytes, bytes.count)
      guard count >= 0 else { return nil }
      return String(decoding: bytes[..<count], as: UTF8.self)
    }
  }
#endif
