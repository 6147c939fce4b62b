given("of-rgb_dense__pllava_5",{"outcomes":"211212222122212112121221","labels":null});
