import Dialects
import Testing

@Suite("Timestamps")
struct TimestampTests {
  /// Checked against `date -u -d @SECONDS`.
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
    (951_868_799, "2000-02-29T23:59:59Z"), (951_868_800, "2000-03-01T00:00:00Z"),
    (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
    (-62_135_596_800, "0001-01-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
    (Int.max, "9999-12-31T23:59:59Z"), (Int.min, "0001-01-01T00:00:00Z"),
  ])
  func datesAreGregorian(seconds: Int, text: String) {
    #expect(Timestamp.text(seconds: seconds) == text)
  }

  @Test func fractionsHaveNineDigits() {
    #expect(Timestamp.text(seconds: 1, nanoseconds: 5) == "1970-01-01T00:00:01.000000005Z")
  }
}
