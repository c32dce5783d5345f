/// Points in time as RFC 3339 writes them, in UTC.
public enum Timestamp {
  /// `2026-11-23T02:08:02Z`, or with nine digits of a fraction.
  ///
  /// - Parameters:
  ///   - seconds: since 1970; values outside the years 1 to 9999 are brought to the nearest of them.
  ///   - nanoseconds: the fraction, 0 to 999,999,999; nil to leave it out.
  public static func text(seconds: Int, nanoseconds: Int? = nil) -> String {
    let seconds = min(max(seconds, -62_135_596_800), 253_402_300_799)
    let day = seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400)
    let second = seconds - day * 86_400
    let date = civilDate(day: day)
    var text = digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2)
    text += "T" + digits(second / 3600, 2) + ":" + digits(second / 60 % 60, 2)
    text += ":" + digits(second % 60, 2)
    if let nanoseconds { text += "." + digits(nanoseconds, 9) }
    return text + "Z"
  }

  /// The Gregorian date of a day counted from 1970-01-01. Years are counted from March, in eras of 400 years of
  /// 146,097 days, so that the leap day is the last of its year.
  private static func civilDate(day: Int) -> (year: Int, month: Int, day: Int) {
    let sinceMarchOfYear0 = day + 719_468
    let era = sinceMarchOfYear0 / 146_097
    let dayOfEra = sinceMarchOfYear0 % 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  private static func digits(_ value: Int, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
