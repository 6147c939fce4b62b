given("of-rgb_dense__uniform_25",{"outcomes":"211212221122122112121221","labels":null});
