given("of-rgb__uniform_10",{"outcomes":"122312232132332333222132","labels":null});
