import HTTPParser
import StickyPolicy
import Testing

@Suite("dates")
struct CivilDateTests {
    @Test(
        "the form of Date fields (RFC 9110 §5.6.7)",
        arguments: [
            (784_111_777 as Int64, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ])
    func imf(seconds: Int64, expected: String) {
        #expect(text { CivilDate(unixSeconds: seconds).appendIMFDate(to: &$0) } == expected)
    }

    @Test(
        "the form of cookies has two digits of the year, and four from 2038 on",
        arguments: [
            (784_111_777 as Int64, "Sun, 06-Nov-94 08:49:37 GMT"),
            (2_145_916_799, "Thu, 31-Dec-37 23:59:59 GMT"),
            (2_145_916_800, "Fri, 01-Jan-2038 00:00:00 GMT"),
        ])
    func cookie(seconds: Int64, expected: String) {
        #expect(text { CivilDate(unixSeconds: seconds).appendCookieDate(to: &$0) } == expected)
    }

    @Test("the forms of logs")
    func logs() {
        let date = CivilDate(unixSeconds: 784_111_777)
        #expect(text { date.appendISO8601(to: &$0) } == "1994-11-06T08:49:37")
        #expect(text { date.appendCommonLogDate(to: &$0) } == "06/Nov/1994:08:49:37 +0000")
    }

    @Test("every day of 430 years follows the one before")
    func everyDay() {
        var (year, month, day, weekday) = (1970, 1, 1, 4)
        for dayNumber in 0..<157_000 as Range<Int64> {
            let date = CivilDate(unixSeconds: dayNumber * 86_400 + 86_399)
            guard date.year == year, date.month == month, date.day == day, date.weekday == weekday
            else {
                Issue.record("day \(dayNumber) is \(date)")
                return
            }
            let isLeap =
                year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            weekday = (weekday + 1) % 7
            day += 1
            if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(year == 2399)
    }
}
