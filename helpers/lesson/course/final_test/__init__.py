"""The final test: its questions on real objects, its result, and the certificate for those who pass."""

from helpers.lesson.course.final_test.exam import PASS_MARK, QUESTIONS_ASKED, FinalTest, TestResult, draw_test

__all__ = ["PASS_MARK", "QUESTIONS_ASKED", "FinalTest", "TestResult", "draw_test"]
