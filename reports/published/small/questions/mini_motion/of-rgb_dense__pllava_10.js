given("of-rgb_dense__pllava_10",{"outcomes":"221111221412244122442111","labels":null});
