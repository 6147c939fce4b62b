given("of-rgb_dense__pllava_25",{"outcomes":"212221222112212212121221","labels":null});
