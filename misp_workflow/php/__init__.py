"""The PHP 8.2 habits that MISP's behaviour rests on, in one place.

Data is plain JSON. PHP has one array type, Python has two: a list is a PHP list, a dict is a PHP array whose keys are
strings here, and a key that looks like a PHP integer ("5", "-1", not "05") counts as that integer. A list with holes is
a dict with "0", "3", … keys. `[]` and `{}` are the same empty array.

Source: the PHP manual, "Type juggling", "Comparison operators", "Numeric strings" and "Arrays".
"""

from __future__ import annotations

from misp_workflow.php.arrays import (
    EMPTY_OBJECT,
    EmptyObject,
    array_key,
    array_merge,
    at_places,
    canonical,
    each,
    from_pairs,
    int_key,
    is_array,
    is_list,
    item,
    keys,
    pairs,
    require_array,
    to_array,
    values,
)
from misp_workflow.php.comparison import (
    asked_once,
    compare,
    equal_to,
    equal_to_any,
    in_array,
    loose_equal,
    passing,
    sort,
    strict_equal,
    verdicts,
)
from misp_workflow.php.scalars import (
    INT_MAX,
    INT_MIN,
    PRECISION,
    empty,
    is_numeric,
    to_int,
    to_number,
    to_string,
    truthy,
    type_name,
)

__all__ = [
    "EMPTY_OBJECT",
    "INT_MAX",
    "INT_MIN",
    "PRECISION",
    "EmptyObject",
    "array_key",
    "array_merge",
    "asked_once",
    "at_places",
    "canonical",
    "compare",
    "each",
    "empty",
    "equal_to",
    "equal_to_any",
    "from_pairs",
    "in_array",
    "int_key",
    "is_array",
    "is_list",
    "is_numeric",
    "item",
    "keys",
    "loose_equal",
    "pairs",
    "passing",
    "require_array",
    "sort",
    "strict_equal",
    "to_array",
    "to_int",
    "to_number",
    "to_string",
    "truthy",
    "type_name",
    "values",
    "verdicts",
]
