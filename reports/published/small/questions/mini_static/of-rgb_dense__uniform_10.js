given("of-rgb_dense__uniform_10",{"outcomes":"212212222121212212121222","labels":null});
