public import HTTPParser

/// A moment in the Gregorian calendar, UTC, by arithmetic alone.
public struct CivilDate: Equatable, Sendable {
    /// 1970...9999.
    public let year: Int
    /// 1...12.
    public let month: Int
    /// 1...31.
    public let day: Int
    /// Days since Sunday, 0...6.
    public let weekday: Int
    public let hour: Int
    public let minute: Int
    public let second: Int

    /// Moments outside of the years 1970...9999 become the nearest inside, so that a year never has
    /// more than four digits.
    public init(unixSeconds: Int64) {
        let seconds = Int(min(max(unixSeconds, 0), 253_402_300_799))
        let dayNumber = seconds / 86_400
        (year, month, day) = Self.calendar(dayNumber)
        weekday = (dayNumber + 4) % 7  // The first of January 1970 was a Thursday.
        hour = seconds / 3600 % 24
        minute = seconds / 60 % 60
        second = seconds % 60
    }

    /// The date of a day, counted from 1970-01-01.
    ///
    /// Years are counted from the first of March, so that the leap day is a year's last and the
    /// months before it fall every year on the same days.
    private static func calendar(_ dayNumber: Int) -> (year: Int, month: Int, day: Int) {
        let day = dayNumber + 719_468  // Days from 0000-03-01 to 1970-01-01.
        let era = day / 146_097  // Days of 400 years.
        let dayOfEra = day % 146_097
        // Takes out the leap days: one in 4 years, but not in 100, yet in 400.
        let leapless = dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096
        let yearOfEra = leapless / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // From March on, five months have 153 days: 31, 30, 31, 30, 31.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            400 * era + yearOfEra + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    /// Appends `Sun, 06 Nov 1994 08:49:37 GMT`, the form of Date fields (RFC 9110 §5.6.7).
    public func appendIMFDate(to writer: inout ByteWriter) {
        writer.append(Self.weekdayName(weekday))
        writer.append(", ")
        appendTwoDigits(day, to: &writer)
        writer.append(0x20)
        writer.append(Self.monthName(month))
        writer.append(0x20)
        writer.append(decimal: UInt64(year))
        appendTime(to: &writer)
    }

    /// Appends `Sun, 06-Nov-94 08:49:37 GMT`, the form of the first cookies, which ingress-nginx
    /// still writes. The year has four digits from 2038 on, as nginx writes it.
    public func appendCookieDate(to writer: inout ByteWriter) {
        writer.append(Self.weekdayName(weekday))
        writer.append(", ")
        appendTwoDigits(day, to: &writer)
        writer.append(0x2D)
        writer.append(Self.monthName(month))
        writer.append(0x2D)
        if year > 2037 {
            writer.append(decimal: UInt64(year))
        } else {
            appendTwoDigits(year % 100, to: &writer)
        }
        appendTime(to: &writer)
    }

    /// Appends `1994-11-06T08:49:37` (RFC 3339), without a fraction and without its zone, UTC.
    public func appendISO8601(to writer: inout ByteWriter) {
        writer.append(decimal: UInt64(year))
        writer.append(0x2D)
        appendTwoDigits(month, to: &writer)
        writer.append(0x2D)
        appendTwoDigits(day, to: &writer)
        writer.append(UInt8(ascii: "T"))
        appendClock(to: &writer)
    }

    /// Appends `06/Nov/1994:08:49:37 +0000`, the form of the Common Log Format.
    public func appendCommonLogDate(to writer: inout ByteWriter) {
        appendTwoDigits(day, to: &writer)
        writer.append(UInt8(ascii: "/"))
        writer.append(Self.monthName(month))
        writer.append(UInt8(ascii: "/"))
        writer.append(decimal: UInt64(year))
        writer.append(UInt8(ascii: ":"))
        appendClock(to: &writer)
        writer.append(" +0000")
    }

    private func appendTime(to writer: inout ByteWriter) {
        writer.append(0x20)
        appendClock(to: &writer)
        writer.append(" GMT")
    }

    private func appendClock(to writer: inout ByteWriter) {
        appendTwoDigits(hour, to: &writer)
        writer.append(0x3A)
        appendTwoDigits(minute, to: &writer)
        writer.append(0x3A)
        appendTwoDigits(second, to: &writer)
    }

    private func appendTwoDigits(_ number: Int, to writer: inout ByteWriter) {
        writer.append(0x30 + UInt8(truncatingIfNeeded: number / 10 % 10))
        writer.append(0x30 + UInt8(truncatingIfNeeded: number % 10))
    }

    private static func weekdayName(_ weekday: Int) -> StaticString {
        switch weekday {
        case 0: "Sun"
        case 1: "Mon"
        case 2: "Tue"
        case 3: "Wed"
        case 4: "Thu"
        case 5: "Fri"
        default: "Sat"
        }
    }

    private static func monthName(_ month: Int) -> StaticString {
        switch month {
        case 1: "Jan"
        case 2: "Feb"
        case 3: "Mar"
        case 4: "Apr"
        case 5: "May"
        case 6: "Jun"
        case 7: "Jul"
        case 8: "Aug"
        case 9: "Sep"
        case 10: "Oct"
        case 11: "Nov"
        default: "Dec"
        }
    }
}
