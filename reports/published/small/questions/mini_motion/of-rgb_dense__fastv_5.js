given("of-rgb_dense__fastv_5",{"outcomes":"221112222221212122122111","labels":null});
