given("of-rgb_dense__pllava_10",{"outcomes":"211212222122212112121221","labels":null});
