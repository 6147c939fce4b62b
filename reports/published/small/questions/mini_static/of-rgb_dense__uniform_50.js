given("of-rgb_dense__uniform_50",{"outcomes":"122221211221122221222112","labels":null});
