given("of-rgb_dense__random_25",{"outcomes":"212221221121112112211221","labels":null});
