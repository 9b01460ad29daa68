"""How numbers were entered and corrected, as the pages tell it."""

from watwerkt import provenance
from watwerkt.published import corrections


def test_no_difference_between_the_two_passes_is_left_in_any_study():
    entered = provenance.entered()
    assert (entered["differences"] == 0).all()
    assert entered.loc["wga", "tables"] == 65 and entered.loc["instruments", "tables"] == 20


def test_the_table_of_entry_ends_with_the_sum_of_all_studies():
    shown = provenance.entry_table().shown
    total = int(shown.loc["All", "Printed cells"].replace(",", ""))
    assert total == provenance.entered()["cells"].sum()


def test_every_correction_is_told_with_print_value_and_reason():
    html = provenance.Corrections()._repr_html_()
    assert html.count("<li>") == len(corrections()) == len(provenance.correction_frame())
    assert "printed 558, used 228" in html
    assert "table/intensive-T2.7.html" in html
