given("of-rgb_dense__random_10",{"outcomes":"211212222121112112211221","labels":null});
