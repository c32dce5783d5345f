#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs work on a thread of its own with a stack large enough for the deepest nesting the parser admits.
///
/// For passes that recurse over trees which may nest up to `Parser.maximumNesting` levels.
package enum LargeStack {
  /// Bytes of stack; pages are only taken when used.
  package static let size = 64 << 20

  /// Carries the work in and its result out. The thread that made it waits for the one that runs it, so the
  /// two never touch it at the same time.
  private final class Box<Value> {
    let work: () -> Value?
    var value: Value?
    init(_ work: @escaping () -> Value?) { self.work = work }
    func run() { value = work() }
  }

  private class Runner {
    func run() {}
  }

  private final class BoxRunner<Value>: Runner {
    let box: Box<Value>
    init(_ box: Box<Value>) { self.box = box }
    override func run() { box.run() }
  }

  /// The result of `work`, or nil if no thread could be started.
  package static func run<Value>(_ work: @escaping () -> Value?) -> Value? {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return nil }
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstacksize(&attributes, size) == 0 else { return nil }
    let box = Box(work)
    let runner = BoxRunner(box)
    let argument = Unmanaged.passRetained(runner as Runner).toOpaque()
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = pthread_create(
        &thread, &attributes,
        { raw in
          Unmanaged<Runner>.fromOpaque(raw).takeRetainedValue().run()
          return nil
        }, argument)
      guard status == 0, let thread else {
        Unmanaged<Runner>.fromOpaque(argument).release()
        return nil
      }
    #else
      var thread = pthread_t()
      let status = pthread_create(
        &thread, &attributes,
        { raw in
          guard let raw else { return nil }
          Unmanaged<Runner>.fromOpaque(raw).takeRetainedValue().run()
          return nil
        }, argument)
      guard status == 0 else {
        Unmanaged<Runner>.fromOpaque(argument).release()
        return nil
      }
    #endif
    pthread_join(thread, nil)
    return box.value
  }
}
